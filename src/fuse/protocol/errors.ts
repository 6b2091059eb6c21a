// errors: what can be wrong with bytes from the kernel. The session answers a request it could not decode by `unique`,
// so that its caller gets an errno instead of waiting for ever.
import { Fault } from '../../base/index.ts';
import type { Unique } from './ids.ts';

export type WireFault = WireProblem & {
  /** Of the request that could not be decoded; absent when not even the header could be read. */
  readonly unique?: Unique;
};

export type WireProblem =
  | { code: 'short-frame'; what: string; needBytes: number; gotBytes: number }
  | { code: 'length-mismatch'; what: string; needBytes: number; gotBytes: number }
  | { code: 'missing-nul'; what: string }
  | { code: 'unknown-opcode'; opcode: number }
  | { code: 'bad-value'; what: string; value: string };

/** The only error a decoder throws. */
export class WireError extends Fault<WireFault> {
  constructor(fault: WireFault, options?: { cause?: unknown }) {
    super(describe(fault), fault, options);
  }
}

function describe(fault: WireFault): string {
  switch (fault.code) {
    case 'short-frame':
      return `Cannot decode ${fault.what}: needs ${fault.needBytes} bytes, got ${fault.gotBytes}`;
    case 'length-mismatch':
      return `Cannot decode ${fault.what}: must be exactly ${fault.needBytes} bytes, got ${fault.gotBytes}`;
    case 'missing-nul':
      return `Cannot decode ${fault.what}: no NUL ends it`;
    case 'unknown-opcode':
      return `Cannot decode request: opcode ${fault.opcode} is unknown`;
    case 'bad-value':
      return `Cannot accept ${fault.what}: current value is ${fault.value}`;
  }
}
