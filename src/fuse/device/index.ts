// fuse/device: reads and writes whole frames on a /dev/fuse descriptor.
// Knows errnos, not opcodes: what a frame means is the session's matter.
// Never opens or mounts anything.
export { FuseDevice, type ReadOutcome, type WriteOutcome } from './device.ts';
