// Remembers, in the file `checked` beside the database, that the database was checked whole, so that opening it again, which
// happens whenever a daemon is replaced, costs nothing. After such a check only LMDB writes to the file, and what LMDB has
// written is right however its process ended, as the page cache outlives processes.
//
// So the note holds for as long as the machine runs (boot id; after a power cut the disk may hold anything) and for that
// very file (device, inode number, time of birth: a copy is another file) that has not gone back in time (number of its last
// transaction). While nobody serves it also tells the file's size and times, as the last one left them: then any write by
// somebody else is found. While somebody serves, and after that one was killed, it cannot: what another program changed in
// the file meanwhile is found only by the seals of the values that are read, and at the next check. Should it be what kills
// those who serve: every BEGINS_MAX-th who begins after one that did not end by itself checks the file whole again.
import { randomUUID } from 'node:crypto';
import { fstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHead } from './page-walk.ts';

const FILE = 'checked';
const BEGINS_MAX = 16;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Everything as text, to be compared as it stands. */
interface Note {
  readonly boot: string;
  readonly file: string;
  readonly txnid: number;
  /** How many have begun to serve since the check. */
  readonly begins: number;
  /** Of a file that nobody writes to. */
  readonly content?: string;
}

/** True when the file that is open needs no check. Throws PageError when even its head is wrong. */
export function isChecked(folder: string, fd: number): boolean {
  const note = read(folder);
  if (note === undefined || note.boot !== bootId() || note.begins >= BEGINS_MAX) return false;
  const { txnid, lastPage, pageBytes } = readHead(fd, bootIdNumber());
  const { file, content, sizeBytes } = lookAt(fd);
  if (sizeBytes < (lastPage + 1) * pageBytes) return false;
  return note.file === file && note.txnid <= txnid && (note.content === undefined || note.content === content);
}

/** Before the first write to a file that was found right; `wasWhole`: by a whole check. */
export function noteBegin(folder: string, fd: number, wasWhole: boolean): void {
  write(folder, fd, { begins: wasWhole ? 1 : (read(folder)?.begins ?? 0) + 1 });
}

/** After the last write. */
export function noteEnd(folder: string, fd: number): void {
  write(folder, fd, { begins: 0, content: lookAt(fd).content });
}

function write(folder: string, fd: number, more: Pick<Note, 'begins' | 'content'>): void {
  const path = join(folder, FILE);
  const temporary = join(folder, `.${FILE}.${randomUUID()}.tmp`);
  try {
    const note: Note = { boot: bootId(), file: lookAt(fd).file, txnid: readHead(fd, bootIdNumber()).txnid, ...more };
    writeFileSync(temporary, JSON.stringify(note), { mode: 0o600 }); // not flushed: it is good for this boot only
    renameSync(temporary, path);
  } catch {
    rmSync(temporary, { force: true });
    rmSync(path, { force: true }); // on a full disk names can still be read: the next check is a whole one
  }
}

/** The first group of digits, as LMDB notes it in its heads. */
export function bootIdNumber(): number {
  return parseInt(bootId(), 16);
}

function bootId(): string {
  return readFileSync(BOOT_ID, 'latin1').trim();
}

function lookAt(fd: number): { file: string; content: string; sizeBytes: number } {
  const { dev, ino, birthtimeNs, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  return { file: `${dev} ${ino} ${birthtimeNs}`, content: `${size} ${mtimeNs} ${ctimeNs}`, sizeBytes: Number(size) };
}

function read(folder: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Note;
  } catch {
    return undefined; // a note that is missing or torn is none
  }
}
