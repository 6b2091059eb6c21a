// What can be wrong with a namespace's database. A database that is refused is left as it is: nothing is rebuilt over it.
import { Fault } from '../../base/index.ts';

export type NamespaceFault =
  /** Bytes of it are not what was written. */
  | { code: 'damaged'; folder: string; what: string }
  /** No database of ours. */
  | { code: 'foreign'; folder: string; what: string }
  /** Written by a later release. */
  | { code: 'newer-format'; folder: string; format: number; formatMax: number }
  /** Belongs to another dataset. */
  | { code: 'other-dataset'; folder: string; kept: string; wanted: string }
  /** The disk is full, read-only or failing. */
  | { code: 'cannot-use'; folder: string; what: string };

export class NamespaceError extends Fault<NamespaceFault> {}

const RESTORE_OR_REMOVE =
  'restore the folder from a copy, or remove it: it is then filled anew from the storage, with new inode numbers';

export function damaged(folder: string, what: string, cause?: unknown): NamespaceError {
  const message = `Cannot trust the namespace in "${folder}": ${what}; ${RESTORE_OR_REMOVE}`;
  return new NamespaceError(message, { code: 'damaged', folder, what }, { cause });
}

export function foreign(folder: string, what: string): NamespaceError {
  const message = `Cannot open the namespace in "${folder}": ${what}; name another folder, or ${RESTORE_OR_REMOVE}`;
  return new NamespaceError(message, { code: 'foreign', folder, what });
}

export function newerFormat(folder: string, format: number, formatMax: number): NamespaceError {
  const message = `Cannot open the namespace in "${folder}": its format is ${format}, this release knows ${formatMax}; use the release that wrote it, or ${RESTORE_OR_REMOVE}`;
  return new NamespaceError(message, { code: 'newer-format', folder, format, formatMax });
}

export function otherDataset(folder: string, kept: string, wanted: string): NamespaceError {
  const message = `Cannot open the namespace in "${folder}": it belongs to "${kept}", not to "${wanted}"; name another folder, or remove it`;
  return new NamespaceError(message, { code: 'other-dataset', folder, kept, wanted });
}

export function cannotUse(folder: string, cause: unknown): NamespaceError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new NamespaceError(
    `Cannot use the namespace in "${folder}": ${what}`,
    { code: 'cannot-use', folder, what },
    { cause },
  );
}
