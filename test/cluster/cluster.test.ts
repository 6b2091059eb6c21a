// The cluster that everything else here is tested on does what a Kubernetes does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MINIO_PORT, STORAGE_CLASS } from '../../scripts/cluster/manifests.ts';
import { onNode } from '../../scripts/cluster/node.ts';
import { CONTROL_PLANE } from '../../scripts/cluster/place.ts';
import { run } from '../../scripts/cluster/run.ts';
import { kubectl, Namespace, place, pod, requireCluster, untilPrints } from '../support/kubernetes.ts';

const skip = requireCluster();

test('both nodes are ready, of the version that is pinned', { skip }, async () => {
  const columns =
    '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.kubeletVersion}{"\\n"}{end}';
  assert.equal(await kubectl('get', 'nodes', '-o', `jsonpath=${columns}`), 'node-1 True v1.34.2\nnode-2 True v1.34.2');
});

test('pods run from the registry under the names walk-throughs use, and can be entered', { skip }, async () => {
  await using namespace = await Namespace.make();
  await namespace.apply(
    pod('nginx', { image: 'nginx', command: 'of the image', node: 'node-1' }),
    pod('far', { image: 'registry.openanolis.cn/openanolis/nginx:1.14.1-8.6', node: 'node-2' }),
  );
  await namespace.untilReady('nginx', 'far');
  assert.match(await namespace.exec('nginx', 'bash', '-c', 'cat /proc/1/cmdline'), /^nginx/);
  assert.equal(await namespace.exec('far', 'hostname'), 'far');
});

test('an image that is not in the registry is not pulled from anywhere', { skip }, async () => {
  await using namespace = await Namespace.make();
  await namespace.apply(pod('absent', { image: 'debian:no-such-tag' }));
  const reason = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}';
  await untilPrints(
    /^(ErrImagePull|ImagePullBackOff)$/,
    ['-n', namespace.name, 'get', 'pod', 'absent', '-o', reason],
    60_000,
  );
});

test('an image that is loaded runs under its name', { skip }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'evermount-cluster-load-'));
  try {
    const archive = join(scratch, 'image.tar');
    const from = [...place.within('cp'), 'skopeo', '--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false'];
    const source = `docker://${CONTROL_PLANE}:5000/library/debian:bookworm-slim`;
    await run([...from, source, `docker-archive:${archive}:example.com/team/loaded:7`]);
    const cluster = [process.execPath, join(import.meta.dirname, '../../scripts/cluster/main.ts')];
    assert.equal(await run([...cluster, 'load', archive]), 'example.com/team/loaded:7\n');
    await using namespace = await Namespace.make();
    await namespace.apply(pod('loaded', { image: 'example.com/team/loaded:7' }));
    await namespace.untilReady('loaded');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test('names and services work from both nodes to both nodes', { skip }, async () => {
  await using namespace = await Namespace.make();
  const nodes = ['node-1', 'node-2'];
  const server = (node: string): object =>
    pod(`server-${node}`, { image: 'nginx', command: 'of the image', node, labels: { app: `server-${node}` } });
  const service = (node: string): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `service-${node}` },
    spec: { selector: { app: `server-${node}` }, ports: [{ port: 8080, targetPort: 80 }] },
  });
  await namespace.apply(...nodes.flatMap((node) => [server(node), service(node), pod(`client-${node}`, { node })]));
  await namespace.untilReady(...nodes.flatMap((node) => [`server-${node}`, `client-${node}`]));
  for (const client of nodes) {
    for (const far of nodes) {
      const name = `service-${far}.${namespace.name}.svc.cluster.local`;
      assert.match(await namespace.exec(`client-${client}`, 'getent', 'hosts', name), /^198\.19\./);
      assert.match(await httpGet(namespace, `client-${client}`, name, 8080, '/'), /Welcome to nginx/);
    }
  }
});

test('pods reach the S3 server by its name', { skip }, async () => {
  await using namespace = await Namespace.make();
  await namespace.apply(pod('client'));
  await namespace.untilReady('client');
  const answer = await httpGet(namespace, 'client', 'minio.minio.svc', MINIO_PORT, '/minio/health/live');
  assert.match(answer, /^HTTP\/1\.[01] 200 /);
});

test('a claim of the StorageClass is bound, and what one node writes the other reads', { skip }, async () => {
  await using namespace = await Namespace.make();
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  const container = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
  await namespace.apply(
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: STORAGE_CLASS,
        resources: { requests: { storage: '30Gi' } },
      },
    },
    pod('writer', { node: 'node-1', container, volumes }),
    pod('reader', { node: 'node-2', container, volumes }),
  );
  await namespace.kubectl('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/data', '--timeout=60s');
  await namespace.untilReady('writer', 'reader');
  await namespace.exec('writer', 'bash', '-c', 'echo written >/data/file');
  assert.equal(await namespace.exec('reader', 'cat', '/data/file'), 'written');
});

test(
  'a mount made in a container with Bidirectional propagation is seen on its node, and nowhere else',
  { skip },
  async () => {
    const folder = `/runtime-mnt/test-${randomUUID()}`;
    await using namespace = await Namespace.make();
    await namespace.apply(
      pod('mounter', {
        node: 'node-2',
        container: {
          securityContext: { privileged: true },
          volumeMounts: [{ name: 'host', mountPath: '/host', mountPropagation: 'Bidirectional' }],
        },
        volumes: [{ name: 'host', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
      }),
    );
    await namespace.untilReady('mounter');
    await namespace.exec(
      'mounter',
      'bash',
      '-c',
      'mkdir /host/m && mount -t tmpfs tmpfs /host/m && echo inside >/host/m/file',
    );
    assert.equal(await run([...onNode(place, 2), 'cat', `${folder}/m/file`]), 'inside\n');
    assert.equal(existsSync(folder), false);
    await assert.rejects(run([...onNode(place, 1), 'ls', folder]), /No such file/);
    await namespace.exec('mounter', 'umount', '/host/m');
    assert.equal(await run([...onNode(place, 2), 'ls', `${folder}/m`]), '');
  },
);

/** The whole answer, by what bash alone can do. */
function httpGet(namespace: Namespace, from: string, host: string, port: number, path: string): Promise<string> {
  const request = `GET ${path} HTTP/1.0\\r\\nHost: ${host}\\r\\n\\r\\n`;
  const script = `exec 3<>/dev/tcp/${host}/${port} && printf '${request}' >&3 && timeout 20 cat <&3`;
  return namespace.exec(from, 'bash', '-c', script);
}
