// extensions: what the kernel appends to a request that creates something (7.38): supplementary groups with
// CREATE_SUPP_GROUP, security contexts with SECURITY_CTX. Requests are decoded without them.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';
import { EXTLEN_UNIT_BYTES } from './in-header.ts';
import type { InHeader } from './in-header.ts';
import { nulAfter } from './words.ts';

const EXT_HEADER_BYTES = 8;
const SECCTX_BYTES = 8;
const SECCTX_MAX = 31;
const EXT_GROUPS = 32;

export interface SecurityContext {
  readonly name: Buffer;
  readonly value: Buffer;
}

export interface Extensions {
  readonly groups: number[];
  readonly secctx: SecurityContext[];
}

/** Skips kinds it does not know, throws WireError if sizes do not add up. */
export function decodeExtensions(frame: Buffer, header: InHeader): Extensions {
  const found: Extensions = { groups: [], secctx: [] };
  let at = header.len - header.totalExtlen * EXTLEN_UNIT_BYTES;
  while (at < header.len) {
    const leftBytes = header.len - at;
    const size = leftBytes < EXT_HEADER_BYTES ? 0 : frame.readUInt32LE(at);
    if (size < EXT_HEADER_BYTES || size > leftBytes) throw cut('fuse_ext_header', leftBytes, size);
    const type = frame.readUInt32LE(at + 4);
    const body = frame.subarray(at + EXT_HEADER_BYTES, at + size);
    if (type === EXT_GROUPS) readGroups(body, found.groups);
    else if (type <= SECCTX_MAX) readSecctx(body, type, found.secctx);
    at += alignTo8(size);
  }
  return found;
}

function readGroups(body: Buffer, groups: number[]): void {
  if (body.length < 4) throw cut('fuse_supp_groups', body.length, 4);
  const count = body.readUInt32LE(0);
  if (body.length < 4 + count * 4) throw cut('fuse_supp_groups', body.length, 4 + count * 4);
  for (let at = 4; at < 4 + count * 4; at += 4) groups.push(body.readUInt32LE(at));
}

function readSecctx(body: Buffer, count: number, secctx: SecurityContext[]): void {
  let at = 0;
  for (let n = 0; n < count; n++) {
    if (body.length < at + SECCTX_BYTES) throw cut('fuse_secctx', body.length, at + SECCTX_BYTES);
    const size = body.readUInt32LE(at);
    const nameEnd = nulAfter(body, at + SECCTX_BYTES, 'security context name');
    const valueEnd = nameEnd + 1 + size;
    if (valueEnd > body.length) throw cut('fuse_secctx', body.length, valueEnd);
    secctx.push({ name: body.subarray(at + SECCTX_BYTES, nameEnd), value: body.subarray(nameEnd + 1, valueEnd) });
    at = alignTo8(valueEnd);
  }
}

function cut(what: string, gotBytes: number, needBytes: number): WireError {
  return new WireError({ code: 'length-mismatch', what, needBytes, gotBytes });
}

function alignTo8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
