// Nodes and their services can be taken away, and come back.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../scripts/cluster/run.ts';
import { kubectl, Namespace, place, pod, requireCluster, untilPrints } from '../support/kubernetes.ts';

const skip = requireCluster();

const READY = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';

test('a node that is killed is not ready, and ready again after its start', { skip }, async () => {
  await using namespace = await Namespace.make();
  await namespace.apply(pod('there', { node: 'node-2' }));
  await namespace.untilReady('there');
  const before = await startedAt(namespace, 'there');
  await cluster('node', 'kill', '2');
  await cluster('node', 'kill', '2'); // nothing happens
  await untilPrints('Unknown', ['get', 'node', 'node-2', '-o', READY], 90_000);
  assert.equal(await kubectl('get', 'node', 'node-1', '-o', READY), 'True');
  await cluster('node', 'start', '2');
  assert.equal(await kubectl('get', 'node', 'node-2', '-o', READY), 'True');
  await namespace.untilReady('there');
  assert.notEqual(await startedAt(namespace, 'there'), before);
  assert.equal(await namespace.exec('there', 'hostname'), 'there');
});

for (const service of ['kubelet', 'containerd']) {
  test(`containers go on while ${service} is away`, { skip }, async () => {
    await using namespace = await Namespace.make();
    const seconds = String(100_000 + process.pid); // tells the process apart
    await namespace.apply(pod('there', { node: 'node-1', command: ['sleep', seconds] }));
    await namespace.untilReady('there');
    const before = await startedAt(namespace, 'there');
    await cluster('node', 'kill', '1', service);
    const commands = await cluster('node', 'exec', '1', 'sh', '-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null; true');
    assert.ok(commands.includes(`sleep\0${seconds}\0`));
    await cluster('node', 'start', '1');
    await namespace.untilReady('there');
    // A kubelet that has just started does not know its pods yet.
    await untilPrints('there', ['-n', namespace.name, 'exec', 'there', '--', 'hostname'], 60_000);
    assert.equal(await startedAt(namespace, 'there'), before);
  });
}

function startedAt(namespace: Namespace, name: string): Promise<string> {
  return namespace.kubectl('get', 'pod', name, '-o', 'jsonpath={.status.containerStatuses[0].containerID}');
}

function cluster(...args: readonly string[]): Promise<string> {
  const program = join(import.meta.dirname, '../../scripts/cluster/main.ts');
  const command = ['env', `EVERMOUNT_CLUSTER_FOLDER=${place.folder}`, process.execPath, program, ...args];
  return run(command, { timeoutMs: 180_000 });
}
