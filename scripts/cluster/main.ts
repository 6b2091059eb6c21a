// npm run cluster: a Kubernetes of two nodes on this machine.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ensureTool } from '../tools.ts';
import { assertUp, buildAll, down, startNodes, statusOf, up } from './cluster.ts';
import { kubectlCommand } from './control-plane.ts';
import { collectDiagnostics } from './diagnostics.ts';
import { loadImage } from './images.ts';
import { withClusterLock } from './lock.ts';
import { killNode, killService, onNode, SERVICES, type Service } from './node.ts';
import { DEFAULT_FOLDER, nodeName, NODES, Place, type NodeNumber } from './place.ts';
import { missingPackages, missingPrerequisites } from './prerequisites.ts';

const HELP = `A Kubernetes of two nodes on this machine: real control plane, kubelets and container runtimes, in namespaces.

  npm run cluster -- up                   builds what is missing (some minutes the first time), starts it, waits until both
                                          nodes are ready; of a running cluster, starts again what has ended
  npm run cluster -- down                 ends it and removes all of it; what was built stays
  npm run cluster -- status               what runs, and the nodes; exit status 1 unless everything runs
  npm run cluster -- build                only builds, all of it, Helm and csi-sanity too
  npm run cluster -- load IMAGE [NAME]    puts an image into the cluster's registry: a docker-archive file, the folder of an
                                          OCI layout, or the name of an image that buildah built here. NAME is what
                                          manifests will say; default: the image's own
  npm run cluster -- kubectl ARGS…        as the administrator
  npm run cluster -- helm ARGS…           the same for Helm
  npm run cluster -- run COMMAND…         any command, in the control plane's network, with KUBECONFIG
  npm run cluster -- node kill N          everything on node N ends at once
  npm run cluster -- node kill N SERVICE  one of ${SERVICES.join(', ')}; containers go on
  npm run cluster -- node start N         starts again what has ended on it, waits until it is ready
  npm run cluster -- node exec N COMMAND… runs a command on the node
  npm run cluster -- diagnose             collects logs, descriptions and mounts in a folder, and prints its path
  npm run cluster -- packages             the Debian packages that are missing, to hand to apt-get install

Needs root, Go and some Debian packages. Everything lies in one folder, ${DEFAULT_FOLDER}, or the one that
EVERMOUNT_CLUSTER_FOLDER names: another folder is another cluster. What is built lies in ~/.cache/evermount.

Every image is pulled from the cluster's own registry, whatever its name begins with. It holds debian:bookworm-slim, nginx and
openanolis/nginx:1.14.1-8.6. An S3 server is at http://minio.minio.svc:9000 for pods and http://192.0.2.1:9000 for "run";
the default StorageClass makes volumes that all nodes share.
`;

class UsageError extends Error {}

async function main([command = '--help', ...args]: readonly string[]): Promise<number> {
  const place = new Place();
  switch (command) {
    case 'up':
      assertPossible();
      await up(place, tell);
      return 0;
    case 'down':
      await down(place);
      return 0;
    case 'status':
      return showStatus(place);
    case 'build':
      assertPossible();
      await buildAll();
      return 0;
    case 'load':
      return load(place, args);
    case 'kubectl':
      assertUp(place);
      return become(await kubectlCommand(place, ...args));
    case 'helm':
      assertUp(place);
      return become([...inControlPlane(place), await ensureTool('helm'), ...args]);
    case 'run':
      assertUp(place);
      return become([...inControlPlane(place), ...args]);
    case 'node':
      return onOneNode(place, args);
    case 'diagnose':
      process.stdout.write(`${await collectDiagnostics(place)}\n`);
      return 0;
    case 'packages':
      process.stdout.write(`${missingPackages().join(' ')}\n`);
      return 0;
    case 'help':
    case '-h':
    case '--help':
      process.stdout.write(HELP);
      return 0;
    default:
      throw new UsageError(`Cannot tell what "${command}" is`);
  }
}

async function showStatus(place: Place): Promise<number> {
  const parts = statusOf(place);
  for (const { name, running } of parts) process.stdout.write(`${name.padEnd(24)} ${running ? 'runs' : '-'}\n`);
  if (parts.find(({ name }) => name === 'api-server')?.running !== true) return 1;
  const status = become(await kubectlCommand(place, 'get', 'nodes', '-o', 'wide'));
  return status === 0 && parts.every(({ running }) => running) ? 0 : 1;
}

async function load(place: Place, [image, name]: readonly string[]): Promise<number> {
  if (image === undefined) throw new UsageError('Cannot load an image: which one is missing');
  assertUp(place);
  process.stdout.write(`${await loadImage(place, existsSync(image) ? resolve(image) : image, name)}\n`);
  return 0;
}

async function onOneNode(place: Place, [verb = '', number = '', ...rest]: readonly string[]): Promise<number> {
  const node = NODES.find((each) => String(each) === number);
  if (node === undefined)
    throw new UsageError(`Cannot tell which node "${number}" is: there are ${NODES.join(' and ')}`);
  assertUp(place);
  switch (verb) {
    case 'kill':
      await withClusterLock(place, () => killOn(place, node, rest[0]));
      return 0;
    case 'start':
      await withClusterLock(place, () => startNodes(place, [node]));
      tell(`${nodeName(node)} is ready`);
      return 0;
    case 'exec':
      return become([...onNode(place, node), ...rest]);
    default:
      throw new UsageError(`Cannot tell what to do with a node by "${verb}": kill, start or exec`);
  }
}

async function killOn(place: Place, node: NodeNumber, what?: string): Promise<void> {
  if (what === undefined) return killNode(place, node);
  if (!isService(what)) throw new UsageError(`Cannot kill "${what}": services of a node are ${SERVICES.join(', ')}`);
  return killService(place, node, what);
}

function isService(name: string): name is Service {
  return (SERVICES as readonly string[]).includes(name);
}

function inControlPlane(place: Place): string[] {
  return [...place.within('cp'), 'env', `KUBECONFIG=${place.kubeconfig('admin')}`];
}

/** Runs it on this terminal; returns its exit status. */
function become([program = '', ...args]: readonly string[]): number {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error !== undefined) throw new Error(`Cannot run ${program}: ${error.message}`, { cause: error });
  return status ?? 1;
}

function assertPossible(): void {
  const missing = missingPrerequisites();
  if (missing.length > 0) throw new Error(`Cannot run a cluster here: ${missing.join('; ')}`);
}

function tell(text: string): void {
  process.stderr.write(`cluster: ${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (err) {
  const { message } = err as Error;
  process.stderr.write(`cluster: ${message}\n`);
  if (err instanceof UsageError) process.stderr.write('cluster: see npm run cluster -- --help\n');
  process.exitCode = err instanceof UsageError ? 2 : 1;
}
