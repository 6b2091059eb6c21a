// From nothing to a session that serves: lock, look, mount, answer INIT, hand over to vault and supervisor.
//
// Killed at any step it leaves either a session that goes on by itself, or a dead mount that the next mount or umount of the
// target recognises and removes.
import { closeSync, constants, mkdirSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Fault, type Logger } from '../base/index.ts';
import { answerInit, createSessionMemory } from '../fuse/session/index.ts';
import { INIT_FLAGS } from '../fuse/protocol/index.ts';
import {
  connectionOf,
  connectionOfDescriptor,
  mountAt,
  mountFuse,
  probePath,
  setReadAhead,
  unmount,
} from '../host/index.ts';
import { file } from '../libc/index.ts';
import { askSession, type SessionStatus } from './client.ts';
import type { Descriptors } from './descriptors.ts';
import { ensurePrivateFolder, sessionFolder, sessionId, type SessionFolder } from './folders.ts';
import { RECORD_VERSION, writeRecord, type SessionOptions } from './record.ts';

export type CreateFault =
  | { code: 'target-missing'; target: string }
  | { code: 'target-not-folder'; target: string }
  | { code: 'target-hung'; target: string }
  | { code: 'target-denied'; target: string }
  | { code: 'target-mounted'; target: string; by: string }
  | { code: 'target-locked'; target: string }
  | { code: 'not-serving'; target: string; log: string };

export class CreateError extends Fault<CreateFault> {}

/** Every step of mounting, in order: where a crash test kills. */
export type MountStep =
  | 'locked'
  | 'looked'
  | 'folder-made'
  | 'kernel-mounted'
  | 'init-answered'
  | 'memory-made'
  | 'record-written'
  | 'vault-started'
  | 'serving';

export interface CreateRequest {
  stateFolder: string;
  target: string;
  /** Normalized, as it is written down. */
  source: string;
  sourceConfig: string;
  /** What mount tables show. */
  sourceName: string;
  /** The source's root, opened, if it is a folder. */
  sourceFd: number | undefined;
  uid: number;
  options: SessionOptions;
}

export interface CreateDeps {
  log: Logger;
  startVault: (folder: SessionFolder, descriptors: Descriptors) => void;
  step: (step: MountStep) => void;
}

export const READ_BYTES_MAX = 1024 * 1024;
const READ_AHEAD_KIB = 1024;
const INIT_TIMEOUT_MS = 10_000;
const SERVING_TIMEOUT_MS = 20_000;

/** Afterwards the target shows the source and a daemon serves. Throws CreateError or HostError, leaving nothing behind. */
export async function createSession(
  request: CreateRequest,
  deps: CreateDeps,
): Promise<{ folder: SessionFolder; status: SessionStatus }> {
  ensurePrivateFolder(request.stateFolder, request.uid);
  const target = await resolveTarget(request.target);
  const id = sessionId(target);
  const lockFd = lockTarget(join(request.stateFolder, `${id}.lock`), target);
  try {
    deps.step('locked');
    const folder = sessionFolder(join(request.stateFolder, id));
    await clearLeftovers(folder, target, request.uid);
    deps.step('looked');
    return await mountInto(folder, id, target, request, deps);
  } finally {
    closeSync(lockFd); // frees the lock
  }
}

async function mountInto(
  folder: SessionFolder,
  id: string,
  target: string,
  request: CreateRequest,
  deps: CreateDeps,
): Promise<{ folder: SessionFolder; status: SessionStatus }> {
  const { options } = request;
  mkdirSync(folder.path, { mode: 0o700 });
  let fuse: number | undefined;
  let memory: number | undefined;
  try {
    deps.step('folder-made');
    fuse = await mountFuse({
      source: request.sourceName,
      target,
      allowOther: options.allowOther,
      readBytesMax: READ_BYTES_MAX,
    });
    deps.step('kernel-mounted');
    const wishes = {
      passthrough: options.passthrough,
      readBytesMax: READ_BYTES_MAX,
      readAheadBytes: READ_AHEAD_KIB * 1024,
    };
    const connection = connectionNumber(fuse, target);
    const agreed = answerInit(fuse, wishes, INIT_TIMEOUT_MS);
    setReadAhead(connection, READ_AHEAD_KIB); // answering INIT sets it to the kernel's default
    deps.step('init-answered');
    memory = createSessionMemory(id);
    deps.step('memory-made');
    const passthrough = options.passthrough && (agreed.flags & INIT_FLAGS.PASSTHROUGH) !== 0n;
    writeRecord(folder.record, {
      version: RECORD_VERSION,
      id,
      target,
      source: request.source,
      sourceConfig: request.sourceConfig,
      uid: request.uid,
      connection,
      agreed,
      options: { ...options, passthrough },
      createdAt: new Date().toISOString(),
      aborted: undefined,
    });
    deps.step('record-written');
    deps.startVault(folder, { fuse, memory, source: request.sourceFd });
    deps.step('vault-started');
    const status = await untilServing(folder, target, request.uid);
    deps.step('serving');
    return { folder, status };
  } catch (err) {
    if (fuse !== undefined) await unmount(target, true).catch(() => {}); // the first error is the one to tell
    rmSync(folder.path, { recursive: true, force: true });
    throw err;
  } finally {
    if (fuse !== undefined) file.close(fuse);
    if (memory !== undefined) file.close(memory);
  }
}

async function resolveTarget(target: string): Promise<string> {
  const { kind, realPath } = await probePath(target);
  const refuse = (
    code: 'target-missing' | 'target-not-folder' | 'target-hung' | 'target-denied',
    why: string,
  ): never => {
    throw new CreateError(`Cannot mount at "${target}": ${why}`, { code, target });
  };
  switch (kind) {
    case 'folder':
      return realPath;
    case 'dead': // removed below if it was ours; its own name is all that can be asked for
      return join(realpathSync(dirname(resolve(target))), basename(resolve(target)));
    case 'missing':
      return refuse('target-missing', 'no such folder; create it first');
    case 'file':
      return refuse('target-not-folder', 'it is no folder');
    case 'hung':
      return refuse('target-hung', 'the file system there does not answer; "evermount doctor" tells more');
    case 'denied':
      return refuse('target-denied', 'permission denied');
  }
}

/** Two mounts of one target at once: the second is refused. The kernel frees the lock when its holder is gone. */
function lockTarget(path: string, target: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (file.tryLock(fd)) return fd;
  closeSync(fd);
  throw new CreateError(`Cannot mount at "${target}": another mount or umount of it is under way`, {
    code: 'target-locked',
    target,
  });
}

/** Removes what a session that is over left behind. Throws CreateError if something lives there. */
async function clearLeftovers(folder: SessionFolder, target: string, uid: number): Promise<void> {
  const mounted = mountAt(target);
  const alreadyMounted = (by: string): CreateError =>
    new CreateError(`Cannot mount at "${target}": ${by} is mounted there; unmount it first`, {
      code: 'target-mounted',
      target,
      by,
    });
  if (mounted !== undefined) {
    if (mounted.type !== 'fuse.evermount') {
      const isMountOfItsOwn = mounted.type !== 'autofs' && mounted.target === target;
      if (isMountOfItsOwn && connectionOf(mounted) !== undefined)
        throw alreadyMounted(`"${mounted.source}" (${mounted.type})`);
    } else {
      const alive = await askSession(folder, uid);
      if (alive !== undefined) throw alreadyMounted(`"${mounted.source}"`);
      const { kind } = await probePath(target);
      if (kind !== 'dead') throw alreadyMounted(`"${mounted.source}"`);
      await unmount(target, true);
    }
  }
  rmSync(folder.path, { recursive: true, force: true });
}

function connectionNumber(fuse: number, target: string): number {
  const told = connectionOfDescriptor(fuse);
  if (told !== undefined) return told;
  const mounted = mountAt(target);
  const connection = mounted === undefined ? undefined : connectionOf(mounted);
  if (connection === undefined) throw new Error(`Cannot find the kernel's connection of "${target}"`);
  return connection;
}

async function untilServing(folder: SessionFolder, target: string, uid: number): Promise<SessionStatus> {
  const endMs = performance.now() + SERVING_TIMEOUT_MS;
  while (performance.now() < endMs) {
    const status = await askSession(folder, uid);
    if (status?.state === 'serving') return status;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  let log = '';
  try {
    log = readFileSync(folder.log, 'utf8').trim().split('\n').slice(-5).join('\n');
  } catch {
    // no log either: the sentence must do
  }
  throw new CreateError(
    `Cannot mount at "${target}": no daemon served within ${SERVING_TIMEOUT_MS} ms\n${log}`.trim(),
    { code: 'not-serving', target, log },
  );
}
