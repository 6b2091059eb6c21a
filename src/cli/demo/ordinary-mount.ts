// A FUSE mount as they usually are: one daemon, nobody beside it. What its readers suffer is what ours are compared with.
import { sleep } from '../../base/index.ts';
import { isAlive, kill, mountAt, runProgram, start, unmount, type Child } from '../../host/index.ts';
import { OurMount } from './our-mount.ts';

export interface OrdinaryMount {
  /** What serves it. */
  readonly name: string;
  /** SIGKILLs its only daemon. */
  kill(): Promise<void>;
  end(): Promise<void>;
}

export interface OrdinaryMountConfig {
  source: string;
  target: string;
  stateFolder: string;
  log: string;
}

const PROBE_TIMEOUT_MS = 3_000;
const MOUNT_TIMEOUT_MS = 5_000;
const POLL_MS = 5;

/** bindfs if it is installed and works, else our own daemon with nobody to watch over it. */
export async function makeOrdinaryMount(config: OrdinaryMountConfig): Promise<OrdinaryMount> {
  return (await makeBindfs(config)) ?? (await makeUnsupervised(config));
}

async function makeBindfs({ source, target, log }: OrdinaryMountConfig): Promise<OrdinaryMount | undefined> {
  const found = await runProgram('bindfs', ['--version'], PROBE_TIMEOUT_MS).catch(() => undefined);
  if (found?.status !== 0) return undefined;
  const child = start({ program: 'bindfs', args: ['-f', '-r', source, target], fds: [], log, privilege: 'all' });
  const mount = { name: 'bindfs', kill: () => killAndWait(child), end: () => endBindfs(child, target) };
  const endMs = performance.now() + MOUNT_TIMEOUT_MS;
  while (mountAt(target) === undefined) {
    if (!isAlive(child.process) || performance.now() > endMs) {
      await mount.end();
      return undefined;
    }
    await sleep(POLL_MS);
  }
  return mount;
}

async function endBindfs(child: Child, target: string): Promise<void> {
  if (mountAt(target) !== undefined) await unmount(target, true).catch(() => {}); // killing it ends it as well
  await killAndWait(child);
}

async function killAndWait({ process }: Child): Promise<void> {
  kill(process);
  while (isAlive(process)) await sleep(POLL_MS);
}

async function makeUnsupervised({ source, target, stateFolder }: OrdinaryMountConfig): Promise<OrdinaryMount> {
  const ours = await OurMount.make(source, target, stateFolder, 'off');
  await ours.leaveDaemonAlone();
  return { name: 'our daemon, alone', kill: () => ours.kill('daemon'), end: () => ours.end() };
}
