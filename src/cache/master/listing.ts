// A listing on its way out: pages of binary records, base64 in lines, as many at a time as the reader takes.
//
// Nothing is held but one page, whatever the size of the folder. A reader that was cut off goes on after the last name it
// got: names come in the order of their bytes.
import { encodeBytes } from '../rpc/index.ts';
import { EntryWriter } from '../rpc/master/index.ts';
import type { GiveEntry } from '../namespace/index.ts';
import type { Names } from './names.ts';

const PAGE_BYTES = 64 * 1024;

/** Throws UfsError where the folder cannot be listed. */
export async function* listingOf(
  names: Pick<Names, 'list'>,
  folder: number,
  after: Buffer | undefined,
  signal: AbortSignal,
): AsyncIterable<string> {
  const writer = new EntryWriter(PAGE_BYTES);
  for (let cookie: number | undefined = 0; cookie !== undefined;) {
    signal.throwIfAborted();
    const page = fillPage(writer, after, cookie);
    const listed = names.list(folder, cookie, page.give);
    if (listed instanceof Promise) await listed;
    if (writer.lengthBytes > 0) yield encodeBytes(writer.take());
    cookie = page.next();
  }
}

interface PageFill {
  readonly give: GiveEntry;
  /** The cookie that the next page begins after; undefined: everything was given. */
  readonly next: () => number | undefined;
}

function fillPage(writer: EntryWriter, after: Buffer | undefined, from: number): PageFill {
  let last = from;
  let isFull = false;
  const give: GiveEntry = (name, entry, cookie) => {
    const wanted = after === undefined || Buffer.compare(name, after) > 0;
    isFull = wanted && (writer.lengthBytes >= PAGE_BYTES || !writer.put(name, entry));
    if (!isFull) last = cookie;
    return !isFull;
  };
  return { give, next: () => (isFull ? last : undefined) };
}
