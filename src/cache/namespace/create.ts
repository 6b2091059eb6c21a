// Makes and opens the database in a meta-dir, and decides whether it may be trusted.
//
// A new one is made beside its place and renamed into it, so what stands in the place was complete once: anything less is
// damage. Nothing in the folder depends on where it is, so it may be moved or copied while nobody writes to it. It is
// checked whole (page-walk.ts and every seal) before LMDB opens it, unless that was done already (checked.ts). Only where another process is writing to it all
// the while, it is opened first, so that its pages stay as they are while they are checked.
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bootIdNumber, isChecked, noteBegin, noteEnd } from './checked.ts';
import { cannotUse, damaged, foreign, newerFormat, otherDataset, NamespaceError } from './errors.ts';
import { PageError, PageWalk, readHead } from './page-walk.ts';
import { isSealed, SEAL_BYTES } from './seal.ts';
import { Tables } from './tables.ts';
import { write } from './writer.ts';

const FORMAT = 1;
const PLACE = 'namespace';
/** In every format, the row `about` of the table `meta` is sealed JSON that tells the format. */
const ABOUT = Buffer.from('about');
const OUR_TABLES = ['folders', 'gone', 'inodes', 'meta', 'names'];

interface About {
  readonly format: number;
  readonly uuid: string;
  /** Of the under storage. */
  readonly identity: string;
}

export interface Opened {
  readonly tables: Tables;
  /** Names this namespace wherever it is copied to. */
  readonly uuid: string;
  /** Before the first write, and after the tables were closed. */
  readonly begin: () => void;
  readonly end: () => void;
}

/** Throws NamespaceError. */
export async function openTables(
  folder: string,
  identity: string,
  nowMs: () => number,
  checksWhole = false,
): Promise<Opened> {
  const place = join(folder, PLACE);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(place)) await create(folder, place, identity);
  } catch (err) {
    throw err instanceof NamespaceError ? err : cannotUse(folder, err);
  }
  const fd = openData(folder, place);
  try {
    return await openChecked(folder, place, fd, identity, nowMs, checksWhole);
  } catch (err) {
    if (err instanceof PageError) throw damaged(folder, err.message, err);
    throw err instanceof NamespaceError ? err : cannotUse(folder, err);
  } finally {
    closeSync(fd);
  }
}

async function create(folder: string, place: string, identity: string): Promise<void> {
  const temporary = join(folder, `.${PLACE}.${randomUUID()}.tmp`);
  const tables = new Tables(temporary, Date.now);
  const about: About = { format: FORMAT, uuid: randomUUID(), identity };
  await write(tables, (writer) => writer.setMeta('about', about));
  await tables.close();
  try {
    renameSync(temporary, place);
  } catch (err) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(place)) throw err; // else somebody was faster
  }
}

function openData(folder: string, place: string): number {
  const path = join(place, 'data.mdb');
  if (!statSync(place).isDirectory()) throw foreign(folder, `"${PLACE}" in it is no folder`);
  if (!existsSync(path)) throw damaged(folder, 'its data file is missing');
  if (!statSync(path).isFile()) throw foreign(folder, 'its data file is no file');
  try {
    return openSync(path, 'r');
  } catch (err) {
    throw cannotUse(folder, err);
  }
}

async function openChecked(
  folder: string,
  place: string,
  fd: number,
  identity: string,
  nowMs: () => number,
  checksWhole: boolean,
): Promise<Opened> {
  const wasChecked = !checksWhole && isChecked(folder, fd);
  const about = wasChecked ? undefined : checkUnopened(folder, fd);
  const tables = new Tables(place, nowMs);
  try {
    const { identity: kept, uuid } =
      about ?? (wasChecked ? readAbout(folder, tables) : checkPinned(folder, fd, tables));
    if (kept !== identity) throw otherDataset(folder, kept, identity);
    const note = (write: (file: number) => void) => (): void => noteIn(folder, place, write);
    return {
      tables,
      uuid,
      begin: note((file) => noteBegin(folder, file, !wasChecked)),
      end: note((file) => noteEnd(folder, file)),
    };
  } catch (err) {
    await tables.close();
    throw err;
  }
}

function readAbout(folder: string, tables: Tables): About {
  const about = tables.readMeta('about') as About | undefined;
  if (about === undefined) throw foreign(folder, 'it does not say what it is');
  if (about.format > FORMAT) throw newerFormat(folder, about.format, FORMAT);
  return about;
}

function noteIn(folder: string, place: string, write: (file: number) => void): void {
  const fd = openData(folder, place);
  try {
    write(fd);
  } catch (err) {
    throw err instanceof NamespaceError ? err : cannotUse(folder, err);
  } finally {
    closeSync(fd);
  }
}

/** Undefined when somebody else kept writing to it, so it is good enough for that process; see checkPinned. */
function checkUnopened(folder: string, fd: number): About | undefined {
  const bootId = bootIdNumber();
  for (let tries = 3; tries > 0; tries--) {
    const { txnid } = readHead(fd, bootId);
    try {
      return checkAll(folder, fd, bootId);
    } catch (err) {
      if (readHead(fd, bootId).txnid === txnid) throw err;
    }
  }
  return undefined;
}

function checkPinned(folder: string, fd: number, tables: Tables): About {
  const release = tables.pin();
  try {
    return checkAll(folder, fd, bootIdNumber());
  } finally {
    release();
  }
}

function checkAll(folder: string, fd: number, bootId: number): About {
  let about: About | undefined;
  let strange: string | undefined;
  let broken: string | undefined;
  new PageWalk(fd, readHead(fd, bootId), (table, key, value) => {
    if (!OUR_TABLES.includes(table)) strange = table;
    else if (!isSealed(key, value, value.length)) broken = table;
    else if (table === 'meta' && key.equals(ABOUT)) about = JSON.parse(value.toString('utf8', SEAL_BYTES)) as About;
  }).check();
  if (about !== undefined && about.format > FORMAT) throw newerFormat(folder, about.format, FORMAT);
  if (strange !== undefined) throw foreign(folder, `it holds a table "${strange}" that is none of ours`);
  if (broken !== undefined) throw new PageError(`a record of table ${broken} is not what was written`);
  if (about === undefined) throw foreign(folder, 'it does not say what it is');
  return about;
}
