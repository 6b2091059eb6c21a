// Folders of the machine over which each node, or the controller manager, mounts its own. All else on disk is shared by all
// nodes. A mount needs a folder to lie on; one that was not there is made, and removed when the cluster goes.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeNumber, Place } from './place.ts';

/** Each node has its own. */
const NODE_FOLDERS = [
  '/var/lib/kubelet',
  '/var/lib/containerd',
  '/var/lib/cni',
  '/var/lib/evermount',
  '/var/log/pods',
  '/var/log/containers',
  '/etc/cni',
  '/etc/kubernetes',
  '/runtime-mnt',
] as const;

/** Where the host-path provisioner puts volumes. */
const VOLUMES = '/tmp/hostpath_pv';

export interface Bind {
  readonly from: string;
  readonly to: string;
}

/** What a node mounts over the machine's folders. */
export function bindsOf(place: Place, node: NodeNumber): Bind[] {
  return [...NODE_FOLDERS.map((to) => ({ from: place.atNode(node, to), to })), sharedVolumes(place)];
}

/** The same on all nodes, as a network disk would be. */
export function sharedVolumes(place: Place): Bind {
  return { from: place.at('volumes'), to: VOLUMES };
}

/** Makes what is missing on both sides. */
export function makeFolders(place: Place, nodes: readonly NodeNumber[]): void {
  const binds = nodes.flatMap((node) => bindsOf(place, node));
  for (const { from } of binds) mkdirSync(from, { recursive: true });
  const missing = [...new Set(binds.flatMap(({ to }) => missingOf(to)))];
  writeFileSync(place.at('made-folders.json'), JSON.stringify([...madeBefore(place), ...missing]));
  for (const path of missing) mkdirSync(path, { recursive: true });
}

/** Removes those this cluster made, and only those: removing a folder ends the mounts other clusters have on it. */
export function removeMadeFolders(place: Place): void {
  for (const path of madeBefore(place).toReversed()) {
    try {
      rmdirSync(path);
    } catch (err) {
      // Gone, or somebody else has put something there.
      if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes((err as NodeJS.ErrnoException).code ?? '')) throw err;
    }
  }
}

/** The folder and those above it that are not there, the uppermost first. */
function missingOf(path: string): string[] {
  return existsSync(path) ? [] : [...missingOf(dirname(path)), path];
}

function madeBefore(place: Place): string[] {
  const path = join(place.folder, 'made-folders.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as string[]) : [];
}
