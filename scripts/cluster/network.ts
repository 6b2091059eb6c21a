// The networks of a cluster: one namespace for the control plane, with a bridge, and one for each node, connected to it. Nothing
// leaves them: there is no route to the machine or beyond.
import { existsSync } from 'node:fs';
import { CONTROL_PLANE, nodeAddress, NODES, podRangeOf, type NodeNumber, type Part, type Place } from './place.ts';
import { run } from './run.ts';

const PARTS: readonly Part[] = ['cp', ...NODES.map((node) => `n${node}` as const)];

/** Makes all of it; none of it is there before. */
export async function makeNetworks(place: Place): Promise<void> {
  for (const part of PARTS) {
    await run(['ip', 'netns', 'add', place.network(part)]);
    await ip(place, part, 'link set lo up');
    await set(place, part, 'net/ipv4/ip_forward');
  }
  await ip(place, 'cp', 'link add br0 type bridge', `addr add ${CONTROL_PLANE}/24 dev br0`, 'link set br0 up');
  for (const node of NODES) await connect(place, node);
}

/** Removes what is there of it. What runs in a network goes on in a network without a name. */
export async function removeNetworks(place: Place): Promise<void> {
  for (const part of PARTS) {
    if (existsSync(`/run/netns/${place.network(part)}`)) await run(['ip', 'netns', 'del', place.network(part)]);
  }
}

async function connect(place: Place, node: NodeNumber): Promise<void> {
  const part = `n${node}` as const;
  await ip(
    place,
    'cp',
    `link add ${part} type veth peer name eth0 netns ${place.network(part)}`,
    `link set ${part} master br0 up`,
    `route add ${podRangeOf(node)} via ${nodeAddress(node)}`,
  );
  await ip(
    place,
    part,
    `addr add ${nodeAddress(node)}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${CONTROL_PLANE}`,
    ...NODES.filter((other) => other !== node).map(
      (other) => `route add ${podRangeOf(other)} via ${nodeAddress(other)}`,
    ),
  );
  // Without it, an answer of a pod to another on its node would pass kube-proxy's rules by.
  await set(place, part, 'net/bridge/bridge-nf-call-iptables');
}

async function ip(place: Place, part: Part, ...commands: readonly string[]): Promise<void> {
  await run(['ip', '-n', place.network(part), '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

async function set(place: Place, part: Part, name: string): Promise<void> {
  await run([...place.within(part), 'sh', '-c', `echo 1 >/proc/sys/${name}`]);
}
