// The cgroup below which a node's kubelet puts its pods: in every hierarchy of version 1, or in the one of version 2.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** What pods are limited by. */
const CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

export function makeCgroup(name: string): void {
  if (isVersion2()) {
    enableControllers(ROOT);
    mkdirSync(join(ROOT, name), { recursive: true });
    enableControllers(join(ROOT, name));
    return;
  }
  for (const hierarchy of hierarchies('cgroup')) {
    const folder = join(hierarchy, name);
    mkdirSync(folder, { recursive: true });
    // A new group may use no processor and no memory until told which.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(folder, file))) writeFileSync(join(folder, file), readFileSync(join(hierarchy, file)));
    }
  }
}

/** Removes it with all below; nothing runs in it any more. */
export function removeCgroup(name: string): void {
  // Where both versions are mounted, the runtime makes one in the second by itself.
  for (const hierarchy of hierarchies('cgroup', 'cgroup2')) removeTree(join(hierarchy, name));
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}

function isVersion2(): boolean {
  return existsSync(join(ROOT, 'cgroup.controllers'));
}

/** Where hierarchies of these types are mounted: version 1 is "cgroup", version 2 "cgroup2". */
function hierarchies(...types: readonly string[]): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type = '']) => types.includes(type))
    .map(([, target = '']) => target);
}

function enableControllers(folder: string): void {
  const offered = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const wanted = CONTROLLERS.filter((controller) => offered.includes(controller)).map((controller) => `+${controller}`);
  writeFileSync(join(folder, 'cgroup.subtree_control'), wanted.join(' '));
}
