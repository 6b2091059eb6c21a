// recovery: keeps a session alive: vault, supervisor, daemon, and how each replaces the other.
// Observe, plan (session.plan.ts, pure), act. Every process here may be killed at any instruction.
// Knows file systems only as an interface it is given.
export { askSession, isMounted, restartSession, type RestartOutcome, type SessionStatus } from './client.ts';
export { CreateError, createSession, READ_BYTES_MAX, type CreateFault, type MountStep } from './create.ts';
export { Daemon, PASSTHROUGH_MIN_BYTES, type DaemonStep } from './daemon.ts';
export {
  DescriptorError,
  descriptorList,
  fetchDescriptors,
  inheritedDescriptors,
  type Descriptors,
} from './descriptors.ts';
export {
  ensurePrivateFolder,
  FolderError,
  listSessions,
  sessionFolder,
  sessionId,
  stateFolder,
  type SessionFolder,
} from './folders.ts';
export {
  readRecord,
  RecordError,
  writeRecord,
  type RecordFault,
  type SessionOptions,
  type SessionRecord,
} from './record.ts';
export { Supervisor, type SupervisorStep } from './supervisor.ts';
export { Vault } from './vault.ts';
