// fuse/protocol: the FUSE wire format, 7.31 to 7.45: frames of the kernel to values, values to replies and notifications.
// Pure: no I/O, no state. Decoders throw only WireError; encoders allocate nothing and throw RangeError for a value that
// does not fit its field. Structs and fields have the kernel's names. Little-endian.
export { agreedFromJson, agreedToJson } from './agreed-json.ts';
export type { AgreedJson } from './agreed-json.ts';
export {
  ATTR_BYTES,
  ATTR_OUT_BYTES,
  encodeAttr,
  encodeAttrOut,
  encodeEntryOut,
  encodeNegativeEntry,
  ENTRY_OUT_BYTES,
  VALID_MS_MAX,
} from './attr.ts';
export type { Attr, AttrOut, EntryOut } from './attr.ts';
export {
  BMAP_OUT_BYTES,
  encodeBmapOut,
  encodeIoctlOut,
  encodePollOut,
  IOCTL_OUT_BYTES,
  POLL_OUT_BYTES,
} from './control.ts';
export type { BmapIn, BmapOut, IoctlIn, IoctlOut, PollIn, PollOut } from './control.ts';
export { direntBytes, direntplusBytes, DirentWriter } from './dirents.ts';
export type { Dirent } from './dirents.ts';
export { ERRNO, errnoName } from './errno.ts';
export type { ErrnoName } from './errno.ts';
export { WireError } from './errors.ts';
export type { WireFault } from './errors.ts';
export { decodeExtensions } from './extensions.ts';
export type { Extensions, SecurityContext } from './extensions.ts';
export {
  ATTR,
  EXPIRE_ONLY,
  FATTR,
  flagNames,
  FOPEN,
  FSYNC_FDATASYNC,
  GETATTR_FH,
  INIT_FLAGS,
  IOCTL,
  LK_FLOCK,
  OPEN_KILL_SUIDGID,
  POLL_SCHEDULE_NOTIFY,
  READ_LOCKOWNER,
  RELEASE,
  SETXATTR_ACL_KILL_SGID,
  WRITE,
} from './flags.ts';
export type { BatchForgetIn, ForgetIn, ForgetOne, InterruptIn } from './forget.ts';
export { isResent, ROOT_NODE, UNIQUE_RESEND } from './ids.ts';
export type { FileHandle, NodeId, Unique } from './ids.ts';
export { decodeInHeader, EXTLEN_UNIT_BYTES, IN_HEADER_BYTES } from './in-header.ts';
export type { InHeader } from './in-header.ts';
export { decodeInitIn, encodeInitOut, KERNEL_VERSION_MAJOR, KERNEL_VERSION_MINOR } from './init.ts';
export type { InitIn, InitOut } from './init.ts';
export { encodeLkOut, LK_OUT_BYTES } from './lock.ts';
export type { FileLock, LkIn, LkOut } from './lock.ts';
export type { AccessIn, LinkIn, MkdirIn, MknodIn, NameIn, RenameIn, SymlinkIn } from './names.ts';
export { encodeInitReply, MINOR_MIN, negotiate, readBufferBytesMin } from './negotiate.ts';
export type { Agreed, InitWishes } from './negotiate.ts';
export {
  encodeDelete,
  encodeIncEpoch,
  encodeInvalEntry,
  encodeInvalInode,
  encodePollWakeup,
  encodePrune,
  encodeResend,
  encodeRetrieve,
  encodeStoreHeader,
  NOTIFY,
} from './notify.ts';
export type { NotifyReplyIn } from './notify.ts';
export { encodeOpenOut, OPEN_OUT_BYTES, openModifies } from './open.ts';
export type { CreateIn, FlushIn, FsyncIn, OpenIn, OpenOut, ReleaseIn } from './open.ts';
export { BEFORE_INIT, operationName, OPERATIONS } from './operations.ts';
export type { Dialect, Operation, OperationName, ReplyShape, RequestArgs } from './operations.ts';
export { encodeEmptyReply, encodeOutHeader, NOTIFY_UNIQUE, OUT_HEADER_BYTES } from './out-header.ts';
export type { OutHeader } from './out-header.ts';
export { COPY_FILE_RANGE_OUT_BYTES, encodeCopyFileRangeOut, encodeLseekOut, LSEEK_OUT_BYTES } from './ranges.ts';
export type {
  CopyFileRangeIn,
  CopyFileRangeOut,
  FallocateIn,
  LseekIn,
  LseekOut,
  RemovemappingIn,
  SetupmappingIn,
} from './ranges.ts';
export { encodeWriteOut, WRITE_OUT_BYTES } from './read-write.ts';
export type { ReaddirIn, ReadIn, WriteIn, WriteOut } from './read-write.ts';
export { decodeRequest } from './request.ts';
export type { Request, RequestOf } from './request.ts';
export type { GetattrIn, SetattrIn } from './setattr.ts';
export { encodeStatfsOut, STATFS_OUT_BYTES } from './statfs.ts';
export type { StatfsOut } from './statfs.ts';
export { encodeStatxOut, STATX_OUT_BYTES } from './statx.ts';
export type { Statx, StatxIn, StatxOut, SxTime } from './statx.ts';
export { encodeGetxattrOut, GETXATTR_OUT_BYTES } from './xattr.ts';
export type { GetxattrIn, GetxattrOut, ListxattrIn, SetxattrIn } from './xattr.ts';
