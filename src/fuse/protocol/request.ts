// request: one frame as the kernel wrote it, decoded whole: the only step between bytes and a dispatcher.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';
import { decodeInHeader, EXTLEN_UNIT_BYTES, IN_HEADER_BYTES } from './in-header.ts';
import type { InHeader } from './in-header.ts';
import { operationName, OPERATIONS } from './operations.ts';
import type { Dialect, OperationName, RequestArgs } from './operations.ts';

export interface RequestOf<N extends OperationName> {
  readonly name: N;
  readonly header: InHeader;
  readonly args: RequestArgs[N];
}

/** Tagged by `name`: a switch over it knows the type of `args`. */
export type Request = { [N in OperationName]: RequestOf<N> }[OperationName];

/**
 * Buffers in the result are views into `frame`: they live as long as it is not reused. Throws WireError and nothing else,
 * whatever the bytes; once the header was readable the error carries `unique`, so that the caller can be answered.
 */
export function decodeRequest(frame: Buffer, agreed: Dialect): Request {
  const header = decodeInHeader(frame);
  const name = operationName(header.opcode);
  if (name === undefined) {
    throw new WireError({ code: 'unknown-opcode', opcode: header.opcode, unique: header.unique });
  }
  const argsEnd = header.len - header.totalExtlen * EXTLEN_UNIT_BYTES;
  try {
    const args = OPERATIONS[name].decode(frame.subarray(IN_HEADER_BYTES, argsEnd), agreed);
    return { name, header, args } as Request;
  } catch (err) {
    if (err instanceof WireError) throw new WireError({ ...err.fault, unique: header.unique }, { cause: err });
    throw err;
  }
}
