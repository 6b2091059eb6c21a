// A FUSE mount as they usually are: one daemon, nobody beside it. What its readers suffer is what ours are compared with.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../base/index.ts';
import { isAlive, kill, mountAt, runProgram, start, unmount, type Child } from '../../host/index.ts';
import { OurMount } from './our-mount.ts';
import type { S3Server } from './s3-server.ts';
import type { OrdinaryMount, OurSource, Room } from './stage.ts';

const PROBE_TIMEOUT_MS = 3_000;
const MOUNT_TIMEOUT_MS = 5_000;
const POLL_MS = 5;

/** Undefined where bindfs is not installed, or does not work. */
export function makeBindfs(source: string, target: string, log: string): Promise<OrdinaryMount | undefined> {
  return makeForeign('bindfs', ['-f', '-r', source, target], target, log);
}

/** Undefined where s3fs is not installed, or does not work. */
export async function makeS3fs(
  server: S3Server,
  bucket: string,
  target: string,
  room: Room,
): Promise<OrdinaryMount | undefined> {
  const passwords = join(room.path, 'passwd-s3fs');
  writeFileSync(passwords, `${server.accessKeyId}:${server.accessKeySecret}\n`, { mode: 0o600 });
  const options = [
    `url=http://${server.host}`,
    `passwd_file=${passwords}`,
    `tmpdir=${room.path}`,
    'use_path_request_style,complement_stat,ro',
  ];
  const makeWith = (more: string): Promise<OrdinaryMount | undefined> =>
    makeForeign('s3fs', [bucket, target, '-f', '-o', options.join(',') + more], target, room.log);
  // Newer ones show folders that have no object of their own only when they are asked to; older ones always do.
  return (await makeWith(',compat_dir')) ?? (await makeWith(''));
}

async function makeForeign(
  program: string,
  args: readonly string[],
  target: string,
  log: string,
): Promise<OrdinaryMount | undefined> {
  const found = await runProgram(program, ['--version'], PROBE_TIMEOUT_MS).catch(() => undefined);
  if (found?.status !== 0) return undefined;
  const child = start({ program, args, fds: [], log, privilege: 'all' });
  const mount = { name: program, kill: () => killAndWait(child), end: () => endForeign(child, target) };
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

async function endForeign(child: Child, target: string): Promise<void> {
  if (mountAt(target) !== undefined) await unmount(target, true).catch(() => {}); // killing it ends it as well
  await killAndWait(child);
}

async function killAndWait({ process }: Child): Promise<void> {
  kill(process);
  while (isAlive(process)) await sleep(POLL_MS);
}

/** Our own daemon, with nobody to watch over it. */
export async function makeUnsupervised(source: OurSource, target: string, stateFolder: string): Promise<OrdinaryMount> {
  const ours = await OurMount.make(source, target, stateFolder, 'off');
  await ours.leaveDaemonAlone();
  return { name: 'our daemon, alone', kill: () => ours.kill('daemon'), end: () => ours.end() };
}
