// filesystems/localfs: a folder of this machine as a read-only file system.
// Names are bytes, nothing outside the folder is ever reached, objects are known by identity and not by name.
// Loads nothing but system calls.
export { LINK_POLICIES, type LinkPolicy } from './links.ts';
export { LocalFs, type LocalFsConfig } from './localfs.ts';
