// libc: system calls that Node does not offer, as plain functions over koffi.
// The only room that loads the native addon. Descriptors are numbers; whoever opens one closes it.
// Nothing here decides anything: callers choose what an errno means.
export { bind, cString, errno, type Pointer } from './libc.ts';
export { check, systemError, SystemError, type SystemFault } from './errors.ts';
export * as E from './errno.ts';
export { errnoName } from './errno.ts';
export { createMemory, MappedMemory } from './memory.ts';
export * as file from './file.ts';
export { watchReadable, addressOf, type Watch } from './poll.ts';
export { accept, connect, listen, peerOf, receiveBlocking, receiveMessage, sendMessage, streamPair } from './socket.ts';
export { DESCRIPTORS_MAX, MESSAGE_BYTES_MAX, type Peer, type Received } from './socket.ts';
export { mount, umount, MNT_DETACH, MNT_FORCE, MS_NODEV, MS_NOSUID, MS_RDONLY, UMOUNT_NOFOLLOW } from './mount.ts';
