// What can go wrong between two parts that talk over HTTP. What goes wrong behind the other part travels as its UfsError.
import { Fault } from '../../base/index.ts';

export type RpcFault =
  /** No connection, or it broke before the answer was complete. */
  | { code: 'unreachable'; address: string; why: string }
  /** The other side does not take our token. */
  | { code: 'unauthorized'; address: string }
  /** No answer, or no further piece of it, in time. */
  | { code: 'timeout'; address: string; timeoutMs: number }
  /** Answered something that cannot be right. */
  | { code: 'bad-answer'; address: string; why: string }
  /** The caller asked for something that cannot be asked for. */
  | { code: 'bad-request'; why: string }
  /** Too much at once on the side that answers, or on ours. */
  | { code: 'busy'; why: string }
  /** The other side failed within itself; its log says why. */
  | { code: 'broken'; why: string }
  /** Cannot serve or call with this configuration. */
  | { code: 'bad-config'; what: string };

export class RpcError extends Fault<RpcFault> {}

export function badRequest(why: string): RpcError {
  return new RpcError(`Cannot take the request: ${why}`, { code: 'bad-request', why });
}

export function badAnswer(address: string, why: string, cause?: unknown): RpcError {
  return new RpcError(`Cannot use the answer of ${address}: ${why}`, { code: 'bad-answer', address, why }, { cause });
}

export function unreachable(address: string, why: string, cause?: unknown): RpcError {
  return new RpcError(`Cannot reach ${address}: ${why}`, { code: 'unreachable', address, why }, { cause });
}

export function timedOut(address: string, timeoutMs: number): RpcError {
  return new RpcError(`Cannot wait for ${address} any longer: ${timeoutMs} ms have passed`, {
    code: 'timeout',
    address,
    timeoutMs,
  });
}

export function busy(why: string): RpcError {
  return new RpcError(`Cannot take more requests: ${why}`, { code: 'busy', why });
}

export function badConfig(what: string): RpcError {
  return new RpcError(`Cannot talk to other parts: ${what}`, { code: 'bad-config', what });
}
