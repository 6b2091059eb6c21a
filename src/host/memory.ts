// How much memory is left to use: the machine's, and that of the cgroups this process is in.
import { readFileSync } from 'node:fs';

/** Bytes that may still be taken, the tightest limit counted; Infinity where nothing tells. */
export function memoryAvailableBytes(): number {
  const machine = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo') ?? '');
  const available = machine === null ? Infinity : Number(machine[1]) * 1024;
  return Math.min(available, ...cgroupFolders().map(leftIn));
}

function cgroupFolders(): string[] {
  return (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = line.split(':');
    if (path === undefined) return [];
    if (controllers === '') return [`/sys/fs/cgroup${path}`, '/sys/fs/cgroup'];
    return controllers?.split(',').includes('memory') === true
      ? [`/sys/fs/cgroup/memory${path}`, '/sys/fs/cgroup/memory']
      : [];
  });
}

function leftIn(folder: string): number {
  const limit = number(`${folder}/memory.max`) ?? number(`${folder}/memory.limit_in_bytes`);
  const used = number(`${folder}/memory.current`) ?? number(`${folder}/memory.usage_in_bytes`);
  return limit === undefined || used === undefined ? Infinity : Math.max(0, limit - used);
}

/** Undefined for no such file, and for "max". */
function number(path: string): number | undefined {
  const value = Number(read(path)?.trim());
  return Number.isFinite(value) && value < 2 ** 60 ? value : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
