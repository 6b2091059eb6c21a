// The process behind a Reader: reads until told to stop, verifies, counts. Every call on the mount is one of its own thread
// pool, so it can tell what it met even while a call of it hangs.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addressOf } from '../../src/libc/index.ts';
import { MAP_SHARED, mapFile } from './mapping.ts';
import type { Counts, ExpectedFile, FromReader, ReaderConfig, ToReader } from './readers.ts';

const REMARKS_MAX = 5;
const READ_BYTES = 256 * 1024;
/** O_DIRECT wants aligned memory where a read goes straight to the source. */
const ALIGNMENT = 4096;

const counts: Counts = { reads: 0, bytes: 0, errors: 0, wrong: 0, longestStallMs: 0, remarks: [] };
const stop = new AbortController();
const isStopping = (): boolean => stop.signal.aborted;

process.on('message', (message: ToReader) => {
  switch (message.do) {
    case 'start':
      void run(message.config);
      return;
    case 'tell':
      tell('counts');
      return;
    case 'stop':
      stop.abort();
      return;
  }
});

/** The call under way counts as a stall too, however long it takes. */
let callStartedMs: number | undefined;

function tell(told: FromReader['told']): void {
  if (callStartedMs !== undefined) noteStall(performance.now() - callStartedMs);
  process.send?.({ told, counts } satisfies FromReader);
}

async function run(config: ReaderConfig): Promise<void> {
  const buffer = alignedBuffer(READ_BYTES);
  const files = await Promise.all(
    config.files.map(async (expected) => {
      const flags = constants.O_RDONLY | (config.direct ? constants.O_DIRECT : 0);
      const handle = config.activities.includes('descriptors')
        ? await timed(() => open(join(config.folder, expected.path), flags))
        : undefined;
      return { expected, handle, first: undefined as string | undefined };
    }),
  );
  tell('ready');
  while (!isStopping()) {
    for (const file of files) {
      for (const activity of config.activities) {
        if (isStopping()) break;
        switch (activity) {
          case 'paths':
            await readByPath(config, file.expected, buffer);
            break;
          case 'descriptors':
            if (file.handle !== undefined)
              file.first = await readHandle(file.handle, file.expected, buffer, file.first);
            break;
          case 'readdir':
            await listFolder(config, file.expected);
            break;
          case 'stat':
            await statFile(config, file.expected);
            break;
          case 'mapped':
            readMapped(config, file.expected);
            break;
        }
      }
    }
    // Lets messages in, even when nothing above had to wait.
    await new Promise((resolve) => setImmediate(resolve));
  }
  tell('stopped');
}

async function readByPath(config: ReaderConfig, expected: ExpectedFile, buffer: Buffer): Promise<void> {
  const flags = constants.O_RDONLY | (config.direct ? constants.O_DIRECT : 0);
  const handle = await timed(() => open(join(config.folder, expected.path), flags));
  if (handle === undefined) return;
  await readHandle(handle, expected, buffer, undefined);
  await timed(() => handle.close());
}

/** Reads the whole file; a descriptor that was read before must show the same content again. */
async function readHandle(
  handle: FileHandle,
  expected: ExpectedFile,
  buffer: Buffer,
  first: string | undefined,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (let position = 0; ;) {
    const result = await timed(() => handle.read(buffer, 0, buffer.length, position));
    if (result === undefined) return first;
    if (result.bytesRead === 0) break;
    hash.update(buffer.subarray(0, result.bytesRead));
    position += result.bytesRead;
    counts.bytes += result.bytesRead;
  }
  counts.reads++;
  const found = hash.digest('hex');
  if (!expected.sha256.includes(found))
    wrong(`${expected.path}: content ${found.slice(0, 12)} is none of those expected`);
  else if (first !== undefined && first !== found)
    wrong(`${expected.path}: the content changed under an open descriptor`);
  return found;
}

async function listFolder(config: ReaderConfig, expected: ExpectedFile): Promise<void> {
  const folder = dirname(expected.path);
  const names = await timed(() => readdir(join(config.folder, folder)));
  if (names === undefined) return;
  counts.reads++;
  const siblings = config.files.filter((each) => dirname(each.path) === folder);
  for (const { path } of siblings) {
    const found = names.filter((name) => join(folder, name) === path).length;
    if (found !== 1) wrong(`${path}: listed ${found} times`);
  }
}

async function statFile(config: ReaderConfig, expected: ExpectedFile): Promise<void> {
  const found = await timed(() => stat(join(config.folder, expected.path)));
  if (found === undefined) return;
  counts.reads++;
  if (expected.sha256.length === 1 && found.size !== expected.sizeBytes) wrong(`${expected.path}: size ${found.size}`);
}

function readMapped(config: ReaderConfig, expected: ExpectedFile): void {
  using mapping = mapFile(join(config.folder, expected.path), expected.sizeBytes, MAP_SHARED);
  counts.reads++;
  counts.bytes += expected.sizeBytes;
  const found = createHash('sha256').update(mapping.bytes).digest('hex');
  if (!expected.sha256.includes(found)) wrong(`${expected.path}: mapped content ${found.slice(0, 12)} is not expected`);
}

async function timed<T>(call: () => Promise<T>): Promise<T | undefined> {
  const startMs = performance.now();
  callStartedMs = startMs;
  try {
    return await call();
  } catch (err) {
    counts.errors++;
    remark((err as Error).message);
    return undefined;
  } finally {
    callStartedMs = undefined;
    noteStall(performance.now() - startMs);
  }
}

function noteStall(stallMs: number): void {
  counts.longestStallMs = Math.max(counts.longestStallMs, stallMs);
}

function wrong(what: string): void {
  counts.wrong++;
  remark(what);
}

function remark(what: string): void {
  if (counts.remarks.length < REMARKS_MAX) counts.remarks.push(what);
}

function alignedBuffer(bytes: number): Buffer {
  const room = Buffer.alloc(bytes + ALIGNMENT);
  const past = Number(addressOf(room) % BigInt(ALIGNMENT));
  return room.subarray((ALIGNMENT - past) % ALIGNMENT).subarray(0, bytes);
}
