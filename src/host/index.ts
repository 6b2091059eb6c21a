// host: this Linux machine: mounts, processes, /dev/fuse, sockets between processes.
// The only room that starts programs. Whatever may hang runs in a program with a deadline.
// Knows nothing of FUSE requests or of sessions.
export { Channel, ChannelServer, connectChannel, type ChannelEvents, type Message } from './channel.ts';
export { HostError, type HostFault } from './errors.ts';
export {
  abortConnection,
  checkFuseDescriptor,
  connectionOfDescriptor,
  hasConnectionControl,
  isConnectionOver,
  openFuse,
  setReadAhead,
  waitingRequests,
} from './fuse-device.ts';
export { memoryAvailableBytes } from './memory.ts';
export { mountFuse, type FuseMountOptions } from './mount.ts';
export { connectionOf, mountAt, parseMountinfo, readMountinfo, type MountEntry } from './mountinfo.ts';
export { probePath, runProgram, unmount, type PathKind, type ProgramResult, type UnmountOutcome } from './probe.ts';
export {
  identify,
  isAlive,
  kill,
  start,
  stateOf,
  type Child,
  type Privilege,
  type ProcessId,
  type StartOptions,
} from './process.ts';
