// A node: a first process with namespaces of its own, in the network of the node, and the services that run within. Ending the
// first process ends everything on the node at once, as pulling the plug would.
import { copyFileSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ensureTool } from '../tools.ts';
import { makeCgroup } from './cgroups.ts';
import { CONTAINERD_SOCKET, writeNodeConfig } from './node-config.ts';
import { nodeAddress, nodeName, POD_RANGE, type NodeNumber, type Place } from './place.ts';
import { assertRunning, childOf, end, isRunning, pidOf, start } from './processes.ts';
import { run, until } from './run.ts';
import { bindsOf } from './shared-folders.ts';

/** In the order they start in. */
export const SERVICES = ['containerd', 'kube-proxy', 'kubelet'] as const;
export type Service = (typeof SERVICES)[number];

const BOOT_TIMEOUT_MS = 30_000;

/** The node's file systems are ready and its container runtime answers when it resolves. What runs already stays. */
export async function bootNode(place: Place, node: NodeNumber): Promise<void> {
  const name = nodeName(node);
  const files = writeNodeConfig(place, node);
  if (!isRunning(place, name)) {
    makeCgroup(place.cgroup(node));
    await startFirstProcess(place, node);
    await mountFileSystems(place, node);
    copyFileSync(place.kubeconfig(name), place.atNode(node, '/etc/kubernetes/kubelet.conf'));
  }
  await startService(place, node, 'containerd', ['containerd', '--config', files.containerd]);
  await until(
    `containerd on ${name}`,
    () => {
      assertRunning(place, serviceName(node, 'containerd'));
      return listens(`/proc/${firstProcess(place, node)}/root${CONTAINERD_SOCKET}`);
    },
    BOOT_TIMEOUT_MS,
  );
}

/** Makes it a node of the cluster; the API server answers. */
export async function joinNode(place: Place, node: NodeNumber): Promise<void> {
  const name = nodeName(node);
  await startService(place, node, 'kube-proxy', [
    await ensureTool('kube-proxy'),
    `--kubeconfig=${place.kubeconfig('proxy')}`,
    `--hostname-override=${name}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${POD_RANGE}`,
    // These are settings of the whole machine.
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
  ]);
  await startService(place, node, 'kubelet', [
    await ensureTool('kubelet'),
    `--config=${writeNodeConfig(place, node).kubelet}`,
    `--kubeconfig=${place.kubeconfig(name)}`,
    `--hostname-override=${name}`,
    `--node-ip=${nodeAddress(node)}`,
    '--root-dir=/var/lib/kubelet',
    '--v=2',
  ]);
}

/** Ends everything on the node at once. */
export async function killNode(place: Place, node: NodeNumber): Promise<void> {
  const pid = pidOf(place, nodeName(node));
  // The first process goes last of the node's, and its parent after it.
  await end(place, nodeName(node), pid === undefined ? undefined : childOf(pid));
  for (const service of SERVICES) await end(place, serviceName(node, service));
}

/** Ends one service; containers go on, as they do when it crashes. */
export async function killService(place: Place, node: NodeNumber, service: Service): Promise<void> {
  const name = serviceName(node, service);
  const pid = pidOf(place, name);
  // The recorded process waits outside of the node for the service.
  await end(place, name, pid === undefined ? undefined : childOf(pid));
}

export function isServiceRunning(place: Place, node: NodeNumber, service: Service): boolean {
  return isRunning(place, serviceName(node, service));
}

/** The id of the node's first process, as seen from the machine. Throws when the node does not run. */
export function firstProcess(place: Place, node: NodeNumber): number {
  const pid = pidOf(place, nodeName(node));
  const first = pid === undefined ? undefined : childOf(pid);
  if (first === undefined) throw new Error(`Cannot enter ${nodeName(node)}: it does not run`);
  return first;
}

/** What a command begins with to run on the node, as its administrator would run it there. */
export function onNode(place: Place, node: NodeNumber): string[] {
  const first = String(firstProcess(place, node));
  return ['nsenter', '--target', first, '--mount', '--pid', '--uts', '--net', '--'];
}

async function startFirstProcess(place: Place, node: NodeNumber): Promise<void> {
  const name = nodeName(node);
  const namespaces = ['--mount', '--pid', '--uts', '--fork', '--kill-child', '--propagation', 'private'];
  // catatonit does nothing but reap the dead.
  await start(place, name, [...place.within(`n${node}`), 'unshare', ...namespaces, 'catatonit', '-P']);
  await until(
    `the first process of ${name}`,
    () => {
      assertRunning(place, name);
      const first = childOf(pidOf(place, name) ?? 0);
      return first !== undefined && readFileSync(`/proc/${first}/comm`, 'utf8').trim() === 'catatonit';
    },
    BOOT_TIMEOUT_MS,
  );
}

async function mountFileSystems(place: Place, node: NodeNumber): Promise<void> {
  const inside = (...command: readonly string[]): Promise<string> => run([...onNode(place, node), ...command]);
  // A copy of another's FUSE mount would keep its connection alive after its end.
  for (const target of fuseMountsOf(firstProcess(place, node))) await inside('umount', '--lazy', target);
  await inside('hostname', nodeName(node));
  await inside('mount', '-t', 'proc', 'proc', '/proc');
  for (const { from, to } of bindsOf(place, node)) await inside('mount', '--bind', from, to);
  await inside('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run');
  await inside('mkdir', '/run/containerd', '/run/netns');
  await inside('mount', '-t', 'tmpfs', 'tmpfs', '/dev/shm');
  await inside('mount', '--make-rshared', '/');
}

/** Those that were there when the node began, the last one mounted first. */
function fuseMountsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/mounts`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type = '']) => type === 'fuse' || type === 'fuseblk' || type.startsWith('fuse.'))
    .map(([, target = '']) =>
      target.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    )
    .toReversed();
}

async function startService(
  place: Place,
  node: NodeNumber,
  service: Service,
  command: readonly string[],
): Promise<void> {
  await start(place, serviceName(node, service), [...onNode(place, node), ...command]);
}

export function serviceName(node: NodeNumber, service: Service): string {
  return `${nodeName(node)}-${service}`;
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false)); // not yet
    socket.on('connect', () => socket.destroy());
  });
}
