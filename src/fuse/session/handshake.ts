// INIT, answered by whoever mounts: the kernel sends it once per connection, so its outcome is data that daemons are given.
import { E, errno, file } from '../../libc/index.ts';
import {
  decodeInHeader,
  decodeInitIn,
  encodeInitReply,
  IN_HEADER_BYTES,
  INIT_FLAGS,
  negotiate,
  OPERATIONS,
  type Agreed,
} from '../protocol/index.ts';
import { SLOT_BYTES } from './layout.ts';

export interface SessionWishes {
  passthrough: boolean;
  /** The most one READ asks for, bytes. */
  readBytesMax: number;
  readAheadBytes: number;
}

/** A request's frame must fit a slot of the session memory; nothing is written, so the least there is will do. */
const WRITE_BYTES_MAX = 4096;

/** Waits for INIT on a freshly mounted descriptor, answers it, and returns what was agreed. Throws when it does not come. */
export function answerInit(fd: number, wishes: SessionWishes, timeoutMs: number): Agreed {
  const frame = Buffer.alloc(SLOT_BYTES);
  if ((file.pollOne(fd, file.POLLIN, timeoutMs) & file.POLLIN) === 0)
    throw new Error(`Cannot start the session: no INIT within ${timeoutMs} ms`);
  const count = file.read(fd, frame, frame.length);
  if (count < 0) throw new Error(`Cannot start the session: reading INIT failed with errno ${errno()}`);
  const header = decodeInHeader(frame.subarray(0, count));
  if (header.opcode !== OPERATIONS.INIT.opcode)
    throw new Error(`Cannot start the session: the first request is ${header.opcode}, not INIT`);
  const agreed = negotiate(decodeInitIn(frame.subarray(IN_HEADER_BYTES, count)), {
    flags: wishedFlags(wishes.passthrough),
    maxReadahead: wishes.readAheadBytes,
    maxWrite: WRITE_BYTES_MAX,
    maxPages: Math.ceil(wishes.readBytesMax / 4096),
    maxBackground: 64,
    congestionThreshold: 48,
    timeGran: 1,
    maxStackDepth: 1,
    requestTimeout: 0, // one overdue request would end the whole connection
  });
  const reply = Buffer.alloc(128);
  const length = encodeInitReply(reply, agreed, header.unique);
  if (file.write(fd, reply, length) < 0 && errno() !== E.ENOENT)
    throw new Error(`Cannot start the session: answering INIT failed with errno ${errno()}`);
  return agreed;
}

function wishedFlags(passthrough: boolean): bigint {
  const F = INIT_FLAGS;
  const wished =
    F.ASYNC_READ |
    F.BIG_WRITES |
    F.AUTO_INVAL_DATA |
    F.DO_READDIRPLUS |
    F.READDIRPLUS_AUTO |
    F.ASYNC_DIO |
    F.PARALLEL_DIROPS |
    F.ABORT_ERROR |
    F.MAX_PAGES |
    F.INIT_EXT |
    F.NO_EXPORT_SUPPORT |
    F.HAS_RESEND;
  return passthrough ? wished | F.PASSTHROUGH : wished;
}
