// A whole cluster: up, down, and what state it is in. Every function can be repeated; one harness at a time works on a cluster.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { ensureTool } from '../tools.ts';
import { toolsOf } from '../tools/products.ts';
import { makeCgroup, removeCgroup } from './cgroups.ts';
import { ensureCertificates } from './certificates.ts';
import { CONTROL_PLANE_PARTS, kubectl, startControlPlane, startRegistry } from './control-plane.ts';
import { ensureImages } from './image-build.ts';
import { loadImages } from './images.ts';
import { withClusterLock } from './lock.ts';
import { makeNetworks, removeNetworks } from './network.ts';
import { bootNode, isServiceRunning, joinNode, killNode, serviceName, SERVICES } from './node.ts';
import { nodeName, NODES, type NodeNumber, type Place } from './place.ts';
import { assertRunning, end, isRunning, recordedNames } from './processes.ts';
import { run, until } from './run.ts';
import { makeFolders, removeMadeFolders } from './shared-folders.ts';

const READY_TIMEOUT_MS = 120_000;
const CLEAN_TIMEOUT_MS = 30_000;

/** Says that a folder is a cluster's, and may be removed. */
const MARK = 'this-is-an-evermount-cluster';

/** Builds what a cluster is made of, as far as it is not there: some minutes the first time. Returns a key of all of it. */
export async function buildParts(): Promise<string> {
  const paths: string[] = [];
  for (const tool of [...toolsOf('kubernetes'), 'coredns', 'minio'] as const) paths.push(await ensureTool(tool));
  paths.push(await ensureImages());
  return createHash('sha256').update(paths.join('\0')).digest('hex');
}

/** Builds those too that only tests use. */
export async function buildAll(): Promise<void> {
  await buildParts();
  for (const tool of ['helm', 'csi-sanity'] as const) await ensureTool(tool);
}

/** All nodes are ready when it resolves. Of a cluster that runs, only what has ended is started; leftovers of one are removed. */
export async function up(place: Place, tell: (text: string) => void): Promise<void> {
  const key = await buildParts();
  await withClusterLock(place, async () => {
    if (!isWhole(place, key)) {
      if (existsSync(place.folder)) tell('removing what an earlier cluster left');
      await clean(place);
      await create(place, key, tell);
    }
    await startNodes(place, NODES);
    tell('all nodes are ready');
  });
}

/** Nothing of the cluster is left when it resolves. */
export function down(place: Place): Promise<void> {
  return withClusterLock(place, () => clean(place));
}

/** Starts what does not run of a node, and waits until it is ready. */
export async function startNodes(place: Place, nodes: readonly NodeNumber[]): Promise<void> {
  await together(
    nodes.map(async (node) => {
      const startedMs = isServiceRunning(place, node, 'kubelet') ? 0 : Date.now();
      makeFolders(place, [node]);
      await bootNode(place, node);
      await joinNode(place, node);
      await until(`${nodeName(node)} to be ready`, () => isReady(place, node, startedMs), READY_TIMEOUT_MS);
    }),
  );
}

export interface PartStatus {
  readonly name: string;
  readonly running: boolean;
}

export function statusOf(place: Place): PartStatus[] {
  const names = [
    ...CONTROL_PLANE_PARTS,
    ...NODES.flatMap((node) => [nodeName(node), ...SERVICES.map((service) => serviceName(node, service))]),
  ];
  return names.map((name) => ({ name, running: isRunning(place, name) }));
}

/** Throws, saying how to start one, where none runs. */
export function assertUp(place: Place): void {
  if (CONTROL_PLANE_PARTS.every((part) => isRunning(place, part))) return;
  throw new Error(`Cannot find a running cluster in ${place.folder}: start one with "npm run cluster -- up"`);
}

function isWhole(place: Place, key: string): boolean {
  const path = place.at('key');
  if (!existsSync(path) || readFileSync(path, 'utf8') !== key) return false;
  return CONTROL_PLANE_PARTS.every((part) => isRunning(place, part));
}

async function create(place: Place, key: string, tell: (text: string) => void): Promise<void> {
  const startMs = performance.now();
  const seconds = (): string => `after ${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  mkdirSync(place.folder, { recursive: true, mode: 0o755 });
  writeFileSync(place.at(MARK), '');
  makeFolders(place, NODES);
  for (const node of NODES) makeCgroup(place.cgroup(node));
  await together([makeNetworks(place), ensureCertificates(place)]);
  await together([
    startRegistry(place)
      .then(() => loadImages(place))
      .then(() => tell(`the registry is filled ${seconds()}`)),
    startControlPlane(place).then(() => tell(`the control plane runs ${seconds()}`)),
    ...NODES.map((node) => bootNode(place, node)),
  ]);
  await startNodes(place, NODES);
  await until('the first service account', () => hasServiceAccount(place), READY_TIMEOUT_MS);
  tell(`two nodes are ready ${seconds()}`);
  writeFileSync(place.at('key'), key);
}

async function clean(place: Place): Promise<void> {
  if (existsSync(place.folder) && !existsSync(place.at(MARK)) && readdirSync(place.folder).length > 0) {
    throw new Error(`Cannot use ${place.folder} for a cluster: it holds something else`);
  }
  await together(NODES.map((node) => killNode(place, node)));
  await together(recordedNames(place).map((name) => end(place, name)));
  await removeNetworks(place);
  for (const node of NODES)
    await until('the end of cgroups', () => triedToRemove(place.cgroup(node)), CLEAN_TIMEOUT_MS);
  removeMadeFolders(place);
  await run(['rm', '-rf', '--one-file-system', place.folder], { timeoutMs: CLEAN_TIMEOUT_MS });
}

/** A group stays busy for a moment after its last process. */
function triedToRemove(cgroup: string): boolean {
  try {
    removeCgroup(cgroup);
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw err;
  }
}

/** By a word of its own since then: what the API server last heard may be from before a crash. */
async function isReady(place: Place, node: NodeNumber, sinceMs: number): Promise<boolean> {
  for (const service of SERVICES) assertRunning(place, serviceName(node, service));
  const found = await kubectl(place, 'get', 'nodes', nodeName(node), '--ignore-not-found', '-o', 'json');
  if (found === '') return false;
  const { status } = JSON.parse(found) as {
    status: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] };
  };
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  // Its clock shows whole seconds.
  return ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime) >= sinceMs - 1000;
}

/** Pods of a namespace are refused until it has one. */
async function hasServiceAccount(place: Place): Promise<boolean> {
  return (await kubectl(place, 'get', 'serviceaccounts', 'default', '--ignore-not-found', '-o', 'name')) !== '';
}

/** Waits for all of them, then throws the first failure: nothing goes on unseen behind whoever cleans up. */
async function together(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
