// Kernel mounts of FUSE, and their ends. Root mounts by itself, others through fusermount3.
//
// Whatever may wait on a sick file system runs in a program of its own with a deadline: see probe.ts.
import { spawn } from 'node:child_process';
import {
  mount,
  receiveBlocking,
  streamPair,
  file,
  MS_NODEV,
  MS_NOSUID,
  MS_RDONLY,
  SystemError,
} from '../libc/index.ts';
import { HostError } from './errors.ts';
import { openFuse } from './fuse-device.ts';

export interface FuseMountOptions {
  /** What mount tables show as the source. */
  source: string;
  /** An existing folder, absolute, without symbolic links. */
  target: string;
  /** Others than the mounting user may look inside. */
  allowOther: boolean;
  /** The most one READ asks for, bytes. */
  readBytesMax: number;
}

/** Makes the kernel mount and returns its descriptor. INIT waits in it to be answered. */
export async function mountFuse(options: FuseMountOptions): Promise<number> {
  return process.getuid?.() === 0 ? mountAsRoot(options) : mountByHelper(options);
}

function mountAsRoot({ source, target, allowOther, readBytesMax }: FuseMountOptions): number {
  const fd = openFuse();
  const data = [
    `fd=${fd}`,
    'rootmode=40000',
    'user_id=0',
    'group_id=0',
    'default_permissions',
    `max_read=${readBytesMax}`,
  ];
  if (allowOther) data.push('allow_other');
  try {
    mount(source, target, 'fuse.evermount', MS_NOSUID | MS_NODEV | MS_RDONLY, data.join(','));
    return fd;
  } catch (err) {
    file.close(fd);
    if (!(err instanceof SystemError)) throw err;
    const why = err.code === 'EPERM' ? 'EPERM: root lacks CAP_SYS_ADMIN here, as in most containers' : err.code;
    throw new HostError(`Cannot mount at "${target}": ${why}`, { code: 'mount-failed', target, why }, { cause: err });
  }
}

const HELPER = 'fusermount3';
const HELPER_TIMEOUT_MS = 10_000;

/** fusermount3 mounts for a user and sends the descriptor back over a socket. */
async function mountByHelper({ source, target, allowOther, readBytesMax }: FuseMountOptions): Promise<number> {
  const options = [
    'ro',
    'nosuid',
    'nodev',
    'default_permissions',
    'subtype=evermount',
    `fsname=${escapeOption(source)}`,
    `max_read=${readBytesMax}`,
  ];
  if (allowOther) options.push('allow_other');
  const [ours, theirs] = streamPair();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), HELPER_TIMEOUT_MS);
  try {
    const child = spawn(HELPER, ['-o', options.join(','), '--', target], {
      stdio: ['ignore', 'ignore', 'pipe', theirs],
      env: { ...process.env, _FUSE_COMMFD: '3' },
      // Not `timeout`: Node leaves its timer running when the program cannot be started.
      signal: deadline.signal,
      killSignal: 'SIGKILL',
    });
    const { status, errors } = await outcome(child);
    if (status !== 0) {
      const why = errors.trim().replace(/^fusermount3: /, '') || `${HELPER} ended with status ${status}`;
      throw new HostError(`Cannot mount at "${target}": ${why}`, { code: 'mount-failed', target, why });
    }
    const got = receiveBlocking(ours);
    const fd = got.kind === 'message' ? got.fds[0] : undefined;
    if (fd !== undefined) return fd;
    throw new HostError(`Cannot mount at "${target}": ${HELPER} sent no descriptor`, {
      code: 'mount-failed',
      target,
      why: 'no descriptor',
    });
  } finally {
    clearTimeout(timer);
    file.close(ours);
    file.close(theirs);
  }
}

function escapeOption(value: string): string {
  return value.replace(/[\\,]/g, (each) => `\\${each}`);
}

function outcome(child: ReturnType<typeof spawn>): Promise<{ status: number; errors: string }> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', (err: NodeJS.ErrnoException) => {
      const why =
        err.code === 'ENOENT'
          ? `${HELPER} is not installed (package fuse3), and only root can mount without it`
          : String(err.code);
      reject(new HostError(`Cannot mount: ${why}`, { code: 'no-fuse', why }, { cause: err }));
    });
    child.on('close', (status) => resolve({ status: status ?? -1, errors }));
  });
}
