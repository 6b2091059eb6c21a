// What the vault and the supervisor of a session both hold, and give back to each other.
import { fstatSync } from 'node:fs';
import { checkFuseDescriptor, connectChannel, type Channel, type Message } from '../host/index.ts';
import { file } from '../libc/index.ts';
import { Fault } from '../base/index.ts';
import { MEMORY_BYTES } from '../fuse/session/index.ts';

export interface Descriptors {
  /** /dev/fuse, mounted. */
  fuse: number;
  /** The session memory. */
  memory: number;
  /** The source's root folder, if the source is one. */
  source: number | undefined;
}

export type DescriptorFault = { code: 'descriptors-refused'; path: string; why: string };
export class DescriptorError extends Fault<DescriptorFault> {}

/** In the order they are passed on, to a started process from 3 on and in messages. */
export function descriptorList({ fuse, memory, source }: Descriptors): number[] {
  return source === undefined ? [fuse, memory] : [fuse, memory, source];
}

/** The descriptors a process was started with. They are not passed on to what it starts, unless named again. */
export function inheritedDescriptors(hasSource: boolean): Descriptors {
  const all = { fuse: 3, memory: 4, source: hasSource ? 5 : undefined };
  for (const fd of descriptorList(all)) file.setCloseOnExec(fd);
  return all;
}

/**
 * Asks the other holder for the session's descriptors. The channel stays open; what came along is returned with it.
 * Throws DescriptorError if the answer is not what this session's holder would give, HostError if it may not be trusted.
 */
export async function fetchDescriptors(
  socket: string,
  uid: number,
  connection: number,
  hello: Message,
  timeoutMs: number,
): Promise<{ descriptors: Descriptors; channel: Channel; answer: Message }> {
  const channel = connectChannel(socket, uid);
  const { message, fds } = await firstAnswer(channel, hello, socket, timeoutMs);
  const [fuse, memory, source] = fds;
  try {
    if (fuse === undefined || memory === undefined || fds.length > 3)
      throw refused(socket, `it sent ${fds.length} descriptors`);
    checkFuseDescriptor(fuse, connection);
    const { size } = fstatSync(memory);
    if (size !== MEMORY_BYTES) throw refused(socket, `its session memory has ${size} bytes`);
    return { descriptors: { fuse, memory, source }, channel, answer: message };
  } catch (err) {
    for (const fd of fds) file.close(fd);
    channel.close();
    throw err;
  }
}

function firstAnswer(
  channel: Channel,
  hello: Message,
  socket: string,
  timeoutMs: number,
): Promise<{ message: Message; fds: number[] }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => channel.close(), timeoutMs);
    channel.listen({
      message: (message, fds) => {
        clearTimeout(timer);
        resolve({ message, fds });
      },
      closed: () => {
        clearTimeout(timer);
        reject(refused(socket, 'it closed the connection or did not answer'));
      },
    });
    channel.send(hello);
  });
}

function refused(path: string, why: string): DescriptorError {
  return new DescriptorError(`Cannot take descriptors from "${path}": ${why}`, {
    code: 'descriptors-refused',
    path,
    why,
  });
}
