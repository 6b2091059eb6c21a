// What can go wrong with this machine, as facts.
import { Fault } from '../base/index.ts';

export type HostFault =
  | { code: 'peer-refused'; path: string; uid: number; pid: number }
  | { code: 'socket-squatted'; path: string; ownerUid: number }
  | { code: 'channel-closed'; path: string }
  | { code: 'no-fuse'; why: string }
  | { code: 'mount-failed'; target: string; why: string }
  | { code: 'probe-hung'; path: string; timeoutMs: number }
  | { code: 'spawn-failed'; program: string }
  | { code: 'not-a-fuse-device'; fd: number; why: string };

export class HostError extends Fault<HostFault> {}
