// Looks at one mount: what the mount table says, what was written down, which processes live, and whether it answers.
//
// The mount itself is only asked by programs with a deadline; this process touches nothing below the target.
import { basename } from 'node:path';
import { readFileSync } from 'node:fs';
import {
  connectChannel,
  connectionOf,
  mountAt,
  probePath,
  runProgram,
  stateOf,
  waitingRequests,
  type MountEntry,
  type PathKind,
} from '../../host/index.ts';
import {
  askSession,
  stateFolder,
  type SessionFolder,
  type SessionRecord,
  type SessionStatus,
} from '../../recovery/index.ts';
import { findSession } from '../find-session.ts';

export type Part = 'vault' | 'supervisor' | 'daemon';

/** A process, with what the scheduler says of it: R, S, D, T (stopped) … */
export interface SeenProcess {
  part: Part;
  pid: number;
  schedulerState: string;
}

export interface Mount {
  target: string;
  entry: MountEntry | undefined;
  folder: SessionFolder | undefined;
  record: SessionRecord | undefined;
  status: SessionStatus | undefined;
  processes: readonly SeenProcess[];
  requestsWaiting: number | undefined;
  /** How the mount answers, asked for something only its daemon knows; undefined where nothing is mounted. */
  answer: PathKind | undefined;
}

const PROBE_TIMEOUT_MS = 3_000;

export async function observeMount(given: string, uid: number): Promise<Mount> {
  const { target, folder, record } = findSession(stateFolder(process.env, uid), given);
  const entry = mountAt(target);
  // Processes first: a probe takes its time, and a stopped daemon may have been replaced at its end.
  const processes = folder === undefined ? [] : await observeProcesses(folder, uid);
  const status = folder === undefined ? undefined : await askSession(folder, uid);
  const connection = entry === undefined ? undefined : connectionOf(entry);
  return {
    target,
    entry,
    folder,
    record,
    status,
    processes,
    requestsWaiting: connection === undefined ? undefined : waitingRequests(connection),
    answer: entry === undefined ? undefined : await probe(target),
  };
}

/**
 * stat may be answered from the kernel's cache; statfs never is. Asked of a mount whose root cannot be reached it says so
 * with the same errors.
 */
async function probe(target: string): Promise<PathKind> {
  const { kind } = await probePath(target);
  if (kind !== 'folder') return kind;
  try {
    const { status, stderr } = await runProgram(
      'stat',
      ['--file-system', '--format=%T', '--', target],
      PROBE_TIMEOUT_MS,
    );
    if (status === 0) return 'folder';
    return /not connected|connection abort/i.test(stderr) ? 'dead' : 'denied';
  } catch {
    return 'hung';
  }
}

/** Those whose command line names the session's folder. grep reads the command lines: of a stuck process that may take for ever. */
async function observeProcesses(
  { path, vaultSocket, supervisorSocket }: SessionFolder,
  uid: number,
): Promise<SeenProcess[]> {
  const found = new Map<number, Part>();
  for (const [part, socket] of [
    ['vault', vaultSocket],
    ['supervisor', supervisorSocket],
  ] as const) {
    const pid = listenerOf(socket, uid);
    if (pid !== undefined) found.set(pid, part);
  }
  for (const pid of await processesNaming(path)) {
    const part = partOf(pid, path);
    if (part !== undefined) found.set(pid, part);
  }
  return [...found]
    .map(([pid, part]) => ({ part, pid, schedulerState: stateOf(pid) }))
    .filter(({ schedulerState }) => !['', 'Z', 'X'].includes(schedulerState));
}

function listenerOf(socket: string, uid: number): number | undefined {
  try {
    const channel = connectChannel(socket, uid);
    channel.close();
    return channel.peer.pid;
  } catch {
    return undefined; // nobody listens, or a stranger does
  }
}

async function processesNaming(path: string): Promise<number[]> {
  const script = 'grep -lsF -e "$1" /proc/[0-9]*/cmdline';
  const { stdout } = await runProgram('sh', ['-c', script, 'sh', path], PROBE_TIMEOUT_MS).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/^\/proc\/(\d+)\//gm)].map((found) => Number(found[1]));
}

function partOf(pid: number, folder: string): Part | undefined {
  let words: string[];
  try {
    words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return undefined; // ended meanwhile
  }
  const program = basename(words[words.indexOf(folder) - 1] ?? '').replace(/[.][jt]s$/, '');
  return program === 'vault' || program === 'supervisor' || program === 'daemon' ? program : undefined;
}
