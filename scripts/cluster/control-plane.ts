// The control plane of a cluster and what runs beside it: etcd, the servers of Kubernetes, the registry, DNS, MinIO. All of them
// are processes in the network of the control plane.
import { mkdirSync, writeFileSync } from 'node:fs';
import { ensureTool } from '../tools.ts';
import { DNS_PORT, manifests, MINIO_KEYS, MINIO_PORT } from './manifests.ts';
import { CONTROL_PLANE, POD_RANGE, REGISTRY, SERVICE_RANGE, type Place } from './place.ts';
import { assertRunning, start } from './processes.ts';
import { attempt, run, until } from './run.ts';
import { sharedVolumes } from './shared-folders.ts';

const READY_TIMEOUT_MS = 120_000;
/** Short, so that a test of a dead node does not take a minute. */
const NODE_GRACE = '20s';

/** Names of processes; one that has ended ends the cluster. */
export const CONTROL_PLANE_PARTS = [
  'registry',
  'etcd',
  'api-server',
  'controller-manager',
  'scheduler',
  'dns',
  'minio',
] as const;

type PartName = (typeof CONTROL_PLANE_PARTS)[number];

export async function startRegistry(place: Place): Promise<void> {
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: place.at('registry') } },
    http: { addr: REGISTRY },
  };
  writeFileSync(place.at('registry.yml'), JSON.stringify(config));
  await startPart(place, 'registry', ['docker-registry', 'serve', place.at('registry.yml')]);
  await until('the registry', () => answers(place, 'registry', 5000), READY_TIMEOUT_MS);
}

/** The API server answers when it resolves, and holds what a new cluster holds. */
export async function startControlPlane(place: Place): Promise<void> {
  const etcd = 'http://127.0.0.1:2379';
  const urls = ['--listen-client-urls', etcd, '--advertise-client-urls', etcd];
  const peers = ['--listen-peer-urls', 'http://127.0.0.1:2380'];
  await startPart(place, 'etcd', ['etcd', '--data-dir', place.at('etcd'), ...urls, ...peers, '--unsafe-no-fsync']);
  await startPart(place, 'api-server', [await ensureTool('kube-apiserver'), ...apiServerFlags(place, etcd)]);
  await until('the API server', () => isReady(place), READY_TIMEOUT_MS);
  await run(await kubectlCommand(place, 'apply', '--server-side', '--filename', '-'), {
    input: JSON.stringify(manifests()),
  });
  await Promise.all([startController(place), startScheduler(place), startDns(place), startMinio(place)]);
}

/** What runs kubectl as the administrator, in the network of the control plane. */
export async function kubectlCommand(place: Place, ...args: readonly string[]): Promise<string[]> {
  return [...place.within('cp'), await ensureTool('kubectl'), '--kubeconfig', place.kubeconfig('admin'), ...args];
}

export async function kubectl(place: Place, ...args: readonly string[]): Promise<string> {
  return run(await kubectlCommand(place, ...args));
}

function apiServerFlags(place: Place, etcd: string): string[] {
  const pki = (name: string): string => place.at('pki', name);
  return [
    `--etcd-servers=${etcd}`,
    `--advertise-address=${CONTROL_PLANE}`,
    '--secure-port=6443',
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('api-server.crt')}`,
    `--tls-private-key-file=${pki('api-server.key')}`,
    `--service-account-key-file=${pki('tokens.pub')}`,
    `--service-account-signing-key-file=${pki('tokens.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    // It calls webhooks at the addresses of pods: no kube-proxy here translates those of Services.
    '--enable-aggregator-routing=true',
    `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
    `--kubelet-client-key=${pki('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

async function startController(place: Place): Promise<void> {
  // It makes the folders of volumes: in its own mount namespace, where they are what nodes see.
  const inside = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    'mount --bind "$1" "$2"; shift 2; exec "$@"',
  ];
  const { from, to } = sharedVolumes(place);
  await startPart(place, 'controller-manager', [
    ...[...inside, 'sh', from, to],
    await ensureTool('kube-controller-manager'),
    ...client(place, 'controller-manager'),
    `--service-account-private-key-file=${place.at('pki', 'tokens.key')}`,
    `--root-ca-file=${place.at('pki', 'ca.crt')}`,
    `--cluster-signing-cert-file=${place.at('pki', 'ca.crt')}`,
    `--cluster-signing-key-file=${place.at('pki', 'ca.key')}`,
    `--cluster-cidr=${POD_RANGE}`,
    '--use-service-account-credentials=true',
    '--enable-hostpath-provisioner=true',
    `--node-monitor-grace-period=${NODE_GRACE}`,
  ]);
}

async function startScheduler(place: Place): Promise<void> {
  await startPart(place, 'scheduler', [await ensureTool('kube-scheduler'), ...client(place, 'scheduler')]);
}

function client(place: Place, user: string): string[] {
  const flags = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'];
  return [...flags.map((flag) => `--${flag}=${place.kubeconfig(user)}`), '--leader-elect=false'];
}

async function startDns(place: Place): Promise<void> {
  const lines = [
    `.:${DNS_PORT} {`,
    `  bind ${CONTROL_PLANE}`,
    '  errors',
    '  kubernetes cluster.local in-addr.arpa {',
    `    kubeconfig ${place.kubeconfig('dns')} evermount`,
    '  }',
    '  cache 5',
    '}',
  ];
  writeFileSync(place.at('Corefile'), `${lines.join('\n')}\n`);
  await startPart(place, 'dns', [await ensureTool('coredns'), '-conf', place.at('Corefile')]);
  await until('the DNS server', () => answers(place, 'dns', DNS_PORT), READY_TIMEOUT_MS);
}

async function startMinio(place: Place): Promise<void> {
  mkdirSync(place.at('minio'), { recursive: true });
  const address = ['--address', `${CONTROL_PLANE}:${MINIO_PORT}`, '--console-address', '127.0.0.1:0', '--quiet'];
  await startPart(place, 'minio', [await ensureTool('minio'), 'server', place.at('minio'), ...address], {
    MINIO_ROOT_USER: MINIO_KEYS.accessKeyId,
    MINIO_ROOT_PASSWORD: MINIO_KEYS.accessKeySecret,
    MINIO_BROWSER: 'off',
    MINIO_UPDATE: 'off',
  });
  await until('MinIO', () => answers(place, 'minio', MINIO_PORT), READY_TIMEOUT_MS);
}

async function startPart(
  place: Place,
  name: PartName,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  await start(place, name, [...place.within('cp'), ...command], { env });
}

/** Whether it listens. */
async function answers(place: Place, name: PartName, port: number): Promise<boolean> {
  assertRunning(place, name);
  const address = `TCP:${CONTROL_PLANE}:${port},connect-timeout=5`;
  return (await attempt([...place.within('cp'), 'socat', '-u', '/dev/null', address])).status === 0;
}

async function isReady(place: Place): Promise<boolean> {
  assertRunning(place, 'etcd');
  assertRunning(place, 'api-server');
  const { status } = await attempt(await kubectlCommand(place, 'get', '--raw', '/readyz', '--request-timeout=5s'));
  return status === 0;
}
