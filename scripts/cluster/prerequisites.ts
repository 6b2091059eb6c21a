// Whether a cluster can run on this machine, and if not, what to do about it.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const CAP_SYS_ADMIN = 1n << 21n;

/** What is missing, each a sentence with its remedy; empty where a cluster can run. */
export function missingPrerequisites(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('it takes root: nodes are namespaces, with mounts of their own');
  else if (!hasAdmin()) missing.push('root lacks CAP_SYS_ADMIN here');
  const packages = missingPackages();
  if (packages.length > 0) {
    missing.push(`Debian packages are missing: apt-get install --no-install-recommends ${packages.join(' ')}`);
  }
  if (!isInstalled('go')) missing.push('there is no go in PATH, which builds Kubernetes: https://go.dev/dl');
  if (!existsSync('/proc/sys/net/bridge') && !existsSync('/sys/module/br_netfilter')) {
    missing.push('services need the kernel module br_netfilter: modprobe br_netfilter');
  }
  return missing;
}

/** Those of the list beside this file whose program is not here. */
export function missingPackages(): string[] {
  const missing = readFileSync(join(import.meta.dirname, 'packages'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/))
    .filter(([program = '']) => !isInstalled(program))
    .map(([, name = '']) => name);
  return [...new Set(missing)];
}

function isInstalled(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program);
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}

function hasAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) !== 0n;
}
