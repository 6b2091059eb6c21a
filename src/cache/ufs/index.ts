// cache/ufs: under storages, one folder each, behind one interface.
// Every implementation passes the contract suite against the real thing. Loaded one by one, on first use: see open.ts.
export { isTransient, UfsError, type UfsFault } from './errors.ts';
export type { UfsDeps } from './deps.ts';
export { parseMountPoint, SCHEMES, schemeOf, type Scheme } from './mount-point.ts';
export type { MountSpec } from './mount-spec.ts';
export { MountTable } from './mount-table.ts';
export type { MountedUfs } from './mounted.ts';
export { openUfs } from './open.ts';
export { OBJECT_ID_BYTES, objectRef, objectWords, type ObjectRef, type ObjectWords } from './object-ref.ts';
export type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkEntry, UfsWalkPage } from './ufs.ts';
export { WholeMount } from './whole-mount.ts';
