// Asking a session's processes, from a command.
import { connectChannel, connectionOf, mountAt, readMountinfo, type Channel, type Message } from '../host/index.ts';
import { file } from '../libc/index.ts';
import type { SessionFolder } from './folders.ts';
import type { SessionOptions } from './record.ts';

export interface SessionStatus {
  target: string;
  source: string;
  state: 'recovering' | 'serving' | 'handing-over' | 'aborted' | 'ended';
  sinceMs: number | undefined;
  connection: number;
  takeovers: number;
  takeoverMode: 'resend' | 'journal';
  requestsWaiting: number | undefined;
  createdAt: string;
  options: SessionOptions;
  pids: { vault?: number; supervisor?: number; daemon?: number; standby?: number };
}

const ANSWER_TIMEOUT_MS = 2_000;

/** What the session's supervisor says, or undefined if none answers within two seconds. */
export async function askSession(folder: SessionFolder, uid: number): Promise<SessionStatus | undefined> {
  const answer = await ask(folder.supervisorSocket, uid, { op: 'status' }, ANSWER_TIMEOUT_MS);
  return answer?.['op'] === 'status' ? (answer as unknown as SessionStatus) : undefined;
}

export interface RestartOutcome {
  done: boolean;
  stallMs: number;
  leftovers: number;
}

/** Has the daemon replaced; undefined if no supervisor answers in time. */
export async function restartSession(
  folder: SessionFolder,
  uid: number,
  reread: boolean,
  timeoutMs: number,
): Promise<RestartOutcome | undefined> {
  const answer = await ask(folder.supervisorSocket, uid, { op: 'restart', reread }, timeoutMs);
  return answer?.['op'] === 'restarted' ? (answer as unknown as RestartOutcome) : undefined;
}

function ask(socket: string, uid: number, question: Message, timeoutMs: number): Promise<Message | undefined> {
  let channel: Channel;
  try {
    channel = connectChannel(socket, uid);
  } catch {
    return Promise.resolve(undefined); // nobody listens, or a stranger does
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => channel.close(), timeoutMs);
    channel.listen({
      message: (message, fds) => {
        for (const fd of fds) file.close(fd);
        resolve(message);
        channel.close();
      },
      closed: () => {
        clearTimeout(timer);
        resolve(undefined);
      },
    });
    channel.send(question);
  });
}

/** Whether the target is (still) this session's mount, as the mount table says; nothing is asked of the file system. */
export function isMounted(target: string, connection: number | undefined): boolean {
  if (connection === undefined) return mountAt(target)?.type === 'fuse.evermount';
  return readMountinfo().some((mount) => mount.target === target && connectionOf(mount) === connection);
}
