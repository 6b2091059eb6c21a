// negotiate: what one connection agreed on, decided once from the kernel's offer and our wishes. A successor never sees
// INIT, so the result is plain data that can be saved (agreed-json.ts) and handed over.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';
import { INIT_FLAGS } from './flags.ts';
import type { Unique } from './ids.ts';
import { IN_HEADER_BYTES } from './in-header.ts';
import { encodeInitOut, initOutBytes, KERNEL_VERSION_MAJOR, KERNEL_VERSION_MINOR } from './init.ts';
import type { InitIn, InitOut } from './init.ts';
import { encodeOutHeader, OUT_HEADER_BYTES } from './out-header.ts';
import { WRITE_IN_BYTES } from './read-write.ts';

/** Linux 5.4. Older kernels lack too much to be worth carrying. */
export const MINOR_MIN = 31;

const PAGE_BYTES = 4096;
const MAX_PAGES_DEFAULT = 32;
const MAX_PAGES_MAX = 0xffff;
const READ_BUFFER_BYTES_MIN = 8192;

export interface InitWishes {
  readonly flags: bigint;
  readonly maxReadahead: number;
  /** Bytes of one WRITE and, unless `maxPages` says otherwise, by MAX_PAGES of one READ. */
  readonly maxWrite: number;
  /** Pages of one READ; at least what a WRITE needs. */
  readonly maxPages?: number;
  readonly maxBackground: number;
  readonly congestionThreshold: number;
  /** Nanoseconds: 1 keeps full timestamps. */
  readonly timeGran: number;
  /** 1 or 2 with PASSTHROUGH; ignored without. */
  readonly maxStackDepth: number;
  /** Seconds; 0 is never. One overdue request aborts the whole connection. Ignored without REQUEST_TIMEOUT. */
  readonly requestTimeout: number;
}

/** All that later requests depend on; also exactly what INIT is answered. */
export type Agreed = InitOut;

/** Throws WireError if the kernel is older than 7.31 or speaks another major. */
export function negotiate(offer: InitIn, wishes: InitWishes): Agreed {
  if (offer.major !== KERNEL_VERSION_MAJOR || offer.minor < MINOR_MIN) {
    throw new WireError({
      code: 'bad-value',
      what: `FUSE protocol of the kernel (needs ${KERNEL_VERSION_MAJOR}.${MINOR_MIN} or newer, Linux 5.4)`,
      value: `${offer.major}.${offer.minor}`,
    });
  }
  const flags = agreeFlags(offer.flags, wishes.flags);
  const pagesMax = flags & INIT_FLAGS.MAX_PAGES ? MAX_PAGES_MAX : MAX_PAGES_DEFAULT;
  const maxPages = Math.min(Math.max(1, wishes.maxPages ?? 1, Math.ceil(wishes.maxWrite / PAGE_BYTES)), pagesMax);
  return {
    major: KERNEL_VERSION_MAJOR,
    minor: Math.min(offer.minor, KERNEL_VERSION_MINOR),
    flags,
    maxReadahead: Math.min(offer.maxReadahead, wishes.maxReadahead),
    // The kernel takes less than a page for a page.
    maxWrite: Math.min(Math.max(PAGE_BYTES, wishes.maxWrite), maxPages * PAGE_BYTES),
    maxPages,
    maxBackground: wishes.maxBackground,
    congestionThreshold: wishes.congestionThreshold,
    timeGran: wishes.timeGran,
    maxStackDepth: flags & INIT_FLAGS.PASSTHROUGH ? wishes.maxStackDepth : 0,
    requestTimeout: flags & INIT_FLAGS.REQUEST_TIMEOUT ? wishes.requestTimeout : 0,
  };
}

/** Flags above bit 31 travel only with INIT_EXT, so it is agreed exactly when one of them is. */
function agreeFlags(offered: bigint, wished: bigint): bigint {
  const both = offered & wished & ~INIT_FLAGS.INIT_EXT;
  if (both < INIT_FLAGS.SECURITY_CTX) return both;
  return offered & INIT_FLAGS.INIT_EXT ? both | INIT_FLAGS.INIT_EXT : both & (INIT_FLAGS.INIT_EXT - 1n);
}

/** The whole answer to INIT, from the start of `buf`; returns its length. */
export function encodeInitReply(buf: Buffer, agreed: Agreed, unique: Unique): number {
  const len = OUT_HEADER_BYTES + initOutBytes(agreed.minor);
  encodeOutHeader(buf, 0, { len, error: 0, unique });
  encodeInitOut(buf, OUT_HEADER_BYTES, agreed);
  return len;
}

/** A read from the device with a smaller buffer fails with EINVAL. */
export function readBufferBytesMin(agreed: Pick<Agreed, 'maxWrite'>): number {
  return Math.max(READ_BUFFER_BYTES_MIN, IN_HEADER_BYTES + WRITE_IN_BYTES + agreed.maxWrite);
}
