// Reads the file of an LMDB database without LMDB, to find out whether LMDB may be let near it: LMDB follows whatever it
// finds in a page, and on a damaged one it ends the process by SIGSEGV or SIGBUS, or serves and stores nonsense.
//
// Every page reachable from the meta page that LMDB will begin with is read and checked: that it is the page it should be, that its nodes lie
// within it, in order, between the keys that lead to it, that no page is reached twice or is also listed as free, that the
// counts in the tree's head are right. Values go to the caller, who checks their seals. What passes cannot lead LMDB astray.
// A few hundred milliseconds per million names, from the page cache.
//
// Layout (little-endian, 64 bit, LMDB with txnid in the page header as npm's lmdb 3 writes it): page header pgno u64,
// txnid u64, pad u16, flags u16, lower u16, upper u16; then node offsets u16; node: lo u16, hi u16, flags u16, key size u16.
import { readSync } from 'node:fs';

/** What is wrong, as the middle of a sentence. */
export class PageError extends Error {}

export interface MetaPage {
  readonly txnid: number;
  readonly pageBytes: number;
  readonly bootId: number;
  readonly wasUnflushed: boolean;
  readonly lastPage: number;
  readonly free: Tree;
  readonly main: Tree;
}

interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: number;
}

/** A value of a table, whole; the buffers are the walk's own again when the call returns. */
export type OnValue = (table: string, key: Buffer, value: Buffer) => void;

const MAGIC = 0xbeefc0de;
const HEADER_BYTES = 24;
const NODE_BYTES = 8;
const TREE_BYTES = 48;
const P_BRANCH = 0x01;
const P_LEAF = 0x02;
const P_OVERFLOW = 0x04;
const P_META = 0x08;
const UNFLUSHED = 0x1000;
const F_BIGDATA = 0x01;
const F_SUBDATA = 0x02;
const NO_ROOT = 2n ** 64n - 1n;
const PAGE_BYTES_MIN = 4096;
const PAGE_BYTES_MAX = 65536;
const DEPTH_MAX = 32;
const PAGES_MAX = 2 ** 34;
const FREE = '(free pages)';
const MAIN = '(tables)';

/**
 * The head that LMDB begins with: the newest, unless that is of an earlier boot and was not flushed; then an older one that
 * was (it is kept in the second half of the first page). Throws PageError unless the heads can be right.
 */
export function readHead(fd: number, bootId: number): MetaPage {
  const first = readMetaPage(fd, 0, true);
  const second = readMetaPage(fd, first.pageBytes, true);
  if (second.pageBytes !== first.pageBytes) throw new PageError('its two heads name different page sizes');
  const flushed = readMetaPage(fd, first.pageBytes / 2, false);
  return pickHead(pickHead(first, flushed, bootId), second, bootId);
}

function pickHead(a: MetaPage, b: MetaPage, bootId: number): MetaPage {
  if (b.txnid === 0) return a;
  const [older, newer] = a.txnid >= b.txnid ? [b, a] : [a, b];
  const isOfThisBoot = newer.bootId !== 0 && newer.bootId === bootId;
  return isOfThisBoot || !newer.wasUnflushed ? newer : a.txnid > b.txnid ? b : older;
}

function readMetaPage(fd: number, offset: number, isWhole: boolean): MetaPage {
  const page = Buffer.alloc(HEADER_BYTES + 256);
  if (readSync(fd, page, 0, page.length, offset) < page.length) throw new PageError('its file is too short');
  const trees = HEADER_BYTES + 24;
  if (isWhole) {
    if (page.readUInt32LE(HEADER_BYTES) !== MAGIC) throw new PageError('its file does not begin as a database does');
    if ((page.readUInt16LE(18) & P_META) === 0) throw new PageError('its heads are none');
  }
  const meta = {
    pageBytes: page.readUInt32LE(trees),
    wasUnflushed: (page.readUInt16LE(trees + 4) & UNFLUSHED) !== 0,
    free: readTree(page, trees),
    main: readTree(page, trees + TREE_BYTES),
    lastPage: toNumber(page.readBigUInt64LE(trees + 2 * TREE_BYTES)),
    txnid: toNumber(page.readBigUInt64LE(trees + 2 * TREE_BYTES + 8)),
    bootId: Number(page.readBigInt64LE(trees + 2 * TREE_BYTES + 16)),
  };
  const { pageBytes: size, lastPage } = meta;
  if (!isWhole && meta.txnid === 0) return meta; // nothing was flushed there yet
  const isPower = size >= PAGE_BYTES_MIN && size <= PAGE_BYTES_MAX && (size & (size - 1)) === 0;
  if (!isPower || lastPage < 1 || lastPage >= PAGES_MAX) throw new PageError('its heads hold impossible sizes');
  return meta;
}

function readTree(page: Buffer, at: number): Tree {
  const root = page.readBigUInt64LE(at + 40);
  return {
    depth: page.readUInt16LE(at + 6),
    branchPages: toNumber(page.readBigUInt64LE(at + 8)),
    leafPages: toNumber(page.readBigUInt64LE(at + 16)),
    overflowPages: toNumber(page.readBigUInt64LE(at + 24)),
    entries: toNumber(page.readBigUInt64LE(at + 32)),
    root: root === NO_ROOT ? -1 : toNumber(root),
  };
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new PageError('it holds an impossible number');
  return Number(value);
}

export class PageWalk {
  readonly #fd: number;
  readonly #meta: MetaPage;
  readonly #onValue: OnValue;
  readonly #used: Uint8Array;
  readonly #free: Uint8Array;
  /** One page per level; a walk goes down to the leaves before it goes on. */
  readonly #levels: Buffer[] = [];

  constructor(fd: number, meta: MetaPage, onValue: OnValue) {
    this.#fd = fd;
    this.#meta = meta;
    this.#onValue = onValue;
    this.#used = new Uint8Array((meta.lastPage >> 3) + 1);
    this.#free = new Uint8Array((meta.lastPage >> 3) + 1);
  }

  /** Everything. Throws PageError. */
  check(): void {
    this.#walkTree(FREE, this.#meta.free, 0);
    this.#walkTree(MAIN, this.#meta.main, 0);
    for (let i = 0; i < this.#used.length; i++) {
      if (((this.#used[i] ?? 0) & (this.#free[i] ?? 0)) !== 0) throw new PageError('a page in use is listed as free');
    }
  }

  #walkTree(table: string, tree: Tree, level: number): void {
    const counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
    if (tree.depth > DEPTH_MAX) throw new PageError(`table ${table} is impossibly deep`);
    if (tree.root !== -1) this.#walkPage(table, tree.root, tree.depth, level, undefined, undefined, counts);
    for (const what of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
      if (counts[what] !== tree[what])
        throw new PageError(`table ${table} has ${counts[what]} ${what}, not ${tree[what]}`);
    }
  }

  /** Keys of the page are at least `from` and less than `to`. */
  #walkPage(
    table: string,
    number: number,
    depth: number,
    level: number,
    from: Buffer | undefined,
    to: Buffer | undefined,
    counts: { branchPages: number; leafPages: number; overflowPages: number; entries: number },
  ): void {
    const isLeaf = depth <= 1;
    const page = this.#readPage(number, isLeaf ? P_LEAF : P_BRANCH, level);
    const nodes = page.readUInt16LE(20) >> 1;
    if (isLeaf) {
      counts.leafPages += 1;
      counts.entries += nodes;
    } else counts.branchPages += 1;
    let before = from;
    let mayEqual = true;
    for (let i = 0; i < nodes; i++) {
      const node = this.#nodeAt(page, i, number, isLeaf);
      const keyTo = node + NODE_BYTES + page.readUInt16LE(node + 6);
      const key = page.subarray(node + NODE_BYTES, keyTo);
      const isLeftmost = !isLeaf && i === 0; // its key is not written
      if (!isLeftmost && table !== FREE) {
        const order = before === undefined ? 1 : Buffer.compare(key, before);
        if (order < 0 || (order === 0 && !mayEqual)) throw new PageError(`page ${number} is out of order`);
        before = key;
        mayEqual = false;
      }
      if (isLeaf) {
        this.#checkLeafNode(table, page, node, keyTo, level, counts);
        continue;
      }
      const child = page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32;
      const next = i + 1 < nodes ? this.#keyAt(page, i + 1, number) : to;
      this.#walkPage(table, child, depth - 1, level + 1, isLeftmost ? from : key, next, counts);
    }
    if (isLeaf && table !== FREE && to !== undefined && before !== undefined && Buffer.compare(before, to) >= 0) {
      throw new PageError(`page ${number} reaches into the next one`);
    }
  }

  #checkLeafNode(
    table: string,
    page: Buffer,
    node: number,
    keyTo: number,
    level: number,
    counts: { overflowPages: number },
  ): void {
    const flags = page.readUInt16LE(node + 4);
    const bytes = page.readUInt32LE(node);
    const key = page.subarray(node + NODE_BYTES, keyTo);
    if (table === MAIN) {
      if (flags !== F_SUBDATA || bytes !== TREE_BYTES) throw new PageError('the list of tables holds something else');
      const name = key.toString('latin1').replaceAll('\0', '');
      this.#walkTree(name, readTree(page, keyTo), level + 1);
      return;
    }
    if (flags !== 0 && flags !== F_BIGDATA) throw new PageError(`table ${table} has an impossible entry`);
    const value =
      flags === F_BIGDATA ? this.#readOverflow(page, keyTo, bytes, counts) : page.subarray(keyTo, keyTo + bytes);
    if (table === FREE) this.#noteFree(key, value);
    else this.#onValue(table, key, value);
  }

  #nodeAt(page: Buffer, index: number, number: number, isLeaf: boolean): number {
    const node = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + 2 * index);
    if (node < HEADER_BYTES + page.readUInt16LE(22) || node + NODE_BYTES > page.length) throw outside(number);
    const keyBytes = page.readUInt16LE(node + 6);
    const isBig = isLeaf && (page.readUInt16LE(node + 4) & F_BIGDATA) !== 0;
    const dataBytes = !isLeaf ? 0 : isBig ? 24 : page.readUInt32LE(node);
    if (node + NODE_BYTES + keyBytes + dataBytes > page.length) throw outside(number);
    return node;
  }

  #keyAt(page: Buffer, index: number, number: number): Buffer {
    const node = this.#nodeAt(page, index, number, false);
    return page.subarray(node + NODE_BYTES, node + NODE_BYTES + page.readUInt16LE(node + 6));
  }

  #readPage(number: number, kind: number, level: number): Buffer {
    const { pageBytes } = this.#meta;
    const page = (this.#levels[level] ??= Buffer.allocUnsafeSlow(pageBytes));
    this.#use(number, 1);
    if (readSync(this.#fd, page, 0, pageBytes, number * pageBytes) < pageBytes) {
      throw new PageError(`its file ends before page ${number}`);
    }
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const isIt = page.readUInt32LE(0) + page.readUInt32LE(4) * 2 ** 32 === number && page.readUInt16LE(18) === kind;
    if (!isIt) throw new PageError(`page ${number} is not the page it should be`);
    if (lower > upper || upper > pageBytes - HEADER_BYTES || lower % 2 !== 0 || lower === 0) throw outside(number);
    return page;
  }

  #readOverflow(page: Buffer, at: number, bytes: number, counts: { overflowPages: number }): Buffer {
    const { pageBytes } = this.#meta;
    const number = toNumber(page.readBigUInt64LE(at));
    const pages = Math.floor((HEADER_BYTES - 1 + bytes) / pageBytes) + 1;
    if (number + pages > this.#meta.lastPage + 1) throw outside(number);
    this.#use(number, pages);
    counts.overflowPages += pages;
    const value = Buffer.allocUnsafe(HEADER_BYTES + bytes);
    if (readSync(this.#fd, value, 0, value.length, number * pageBytes) < value.length) {
      throw new PageError(`its file ends before page ${number}`);
    }
    const isIt = value.readUInt32LE(0) + value.readUInt32LE(4) * 2 ** 32 === number;
    if (!isIt || value.readUInt16LE(18) !== P_OVERFLOW || value.readUInt32LE(20) !== pages) {
      throw new PageError(`page ${number} is not the page it should be`);
    }
    return value.subarray(HEADER_BYTES);
  }

  #use(number: number, pages: number): void {
    if (number < 2 || number + pages - 1 > this.#meta.lastPage)
      throw new PageError(`it names page ${number}, which it lacks`);
    for (let i = number; i < number + pages; i++) {
      const byte = this.#used[i >> 3] ?? 0;
      if ((byte & (1 << (i & 7))) !== 0) throw new PageError(`page ${i} is used twice`);
      this.#used[i >> 3] = byte | (1 << (i & 7));
    }
  }

  /** A list of free pages: its length, then a page, or minus a count and the first page of so many, or 0 for nothing. */
  #noteFree(key: Buffer, value: Buffer): void {
    const isList = key.length === 8 && value.length % 8 === 0 && value.length >= 8;
    const slots = isList ? Number(value.readBigInt64LE(0)) : -1;
    if (slots < 0 || (slots + 1) * 8 > value.length) throw new PageError('a list of free pages is cut short');
    for (let i = 1; i <= slots; i++) {
      const slot = Number(value.readBigInt64LE(8 * i));
      if (slot === 0) continue;
      if (slot < 0) i += 1;
      const pages = slot < 0 ? -slot : 1;
      const first = slot < 0 ? Number(i <= slots ? value.readBigInt64LE(8 * i) : -1n) : slot;
      if (first < 2 || first + pages - 1 > this.#meta.lastPage)
        throw new PageError('a list of free pages names no page');
      for (let page = first; page < first + pages; page++) {
        this.#free[page >> 3] = (this.#free[page >> 3] ?? 0) | (1 << (page & 7));
      }
    }
  }
}

function outside(number: number): PageError {
  return new PageError(`page ${number} points outside of itself`);
}
