// Names of the errno values, from the operating system's own table.
import { constants } from 'node:os';

const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export function errnoName(number: number): string {
  return NAMES.get(number) ?? `errno ${number}`;
}

export const {
  EAGAIN,
  EINTR,
  ENOENT,
  EIO,
  EINVAL,
  ENODEV,
  ECONNABORTED,
  EEXIST,
  EXDEV,
  ELOOP,
  ENOSYS,
  EOPNOTSUPP,
  EBUSY,
  EPERM,
  ESTALE,
  ENAMETOOLONG,
  EACCES,
  ENOTDIR,
  EISDIR,
  EMFILE,
  ENFILE,
  ENOSPC,
  EROFS,
  EDQUOT,
} = constants.errno;
