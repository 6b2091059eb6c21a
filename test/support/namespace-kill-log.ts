// The log of namespace-kill-worker.ts: changes of the storage before they are made, answers after they were given; and what
// the namespace may know after a kill, by that log.
//
// An answer may be followed by any state that the storage has had since: a question that was under way may have been
// written down or not. So each path has the states it may be in: its last answer, and what the storage made of it since.
import assert from 'node:assert/strict';
import { ROOT_INO, type Entry, type Namespace } from '../../src/cache/namespace/index.ts';
import type { MemoryUfs } from './memory-ufs.ts';

export type KillLine =
  | { say: 'open' | 'closed' }
  | { say: 'put'; path: string; size: number; version: string }
  | { say: 'remove' | 'absent'; path: string }
  | { say: 'entry'; path: string; ino: number; kind: string; version: string };

/** Whole lines only: a kill may cut the last one. */
export function parseLog(text: string): KillLine[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as KillLine);
}

export function change(ufs: MemoryUfs, line: KillLine): void {
  if (line.say === 'put') ufs.put(line.path, line.size, { version: line.version });
  else if (line.say === 'remove') ufs.remove(line.path);
}

interface Answered {
  /** Undefined: nothing was there. */
  readonly ino: number | undefined;
  readonly kind: string | undefined;
  /** Something else was there since, or nothing. */
  wasAway: boolean;
}

export class KillModel {
  readonly ufs: MemoryUfs;
  readonly answered = new Map<string, Answered>();
  readonly #allowed = new Map<string, Set<string>>();
  readonly #pathOfIno = new Map<number, string>();

  constructor(ufs: MemoryUfs) {
    this.ufs = ufs;
  }

  async take(line: KillLine): Promise<void> {
    if (line.say === 'put' || line.say === 'remove') {
      change(this.ufs, line);
      for (let path = line.path; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
        await this.#changed(path);
      }
    } else if (line.say === 'entry') {
      this.checkNumber(line.path, line.ino, line.kind);
      await this.#answered(line.path, stateOf(line), line.ino, line.kind);
    } else if (line.say === 'absent') await this.#answered(line.path, NOTHING, undefined, undefined);
  }

  /** What is known of a path after a kill, undefined if nothing is. */
  check(path: string, entry: { ino: number; kind: string; version: string } | undefined): void {
    const state = entry === undefined ? NOTHING : stateOf(entry);
    const allowed = this.allowed(path);
    assert.ok(allowed.has(state), `${path} is ${state}, not one of ${[...allowed].join(', ')}`);
    if (entry !== undefined) this.checkNumber(path, entry.ino, entry.kind);
  }

  checkNumber(path: string, ino: number, kind: string): void {
    const owner = this.#pathOfIno.get(ino);
    assert.ok(owner === undefined || owner === path, `${ino} was of ${owner ?? ''}, then of ${path}`);
    this.#pathOfIno.set(ino, path);
    const last = this.answered.get(path);
    if (last?.kind === kind && !last.wasAway) assert.equal(ino, last.ino, `the number of ${path}`);
  }

  /** Every path that ever was in the storage or asked for. */
  paths(): Iterable<string> {
    return this.#allowed.keys();
  }

  allowed(path: string): Set<string> {
    let allowed = this.#allowed.get(path);
    if (allowed === undefined) this.#allowed.set(path, (allowed = new Set([NOTHING])));
    return allowed;
  }

  async #changed(path: string): Promise<void> {
    const now = await this.ufs.stat(Buffer.from(path));
    this.allowed(path).add(now === undefined ? NOTHING : stateOf(now));
    const last = this.answered.get(path);
    if (last !== undefined && now?.kind !== last.kind) last.wasAway = true;
  }

  async #answered(path: string, state: string, ino: number | undefined, kind: string | undefined): Promise<void> {
    assert.ok(this.allowed(path).has(state), `${path} was answered as ${state}`);
    const now = await this.ufs.stat(Buffer.from(path));
    this.#allowed.set(path, new Set([state, now === undefined ? NOTHING : stateOf(now)]));
    this.answered.set(path, { ino, kind, wasAway: now?.kind !== kind });
  }
}

/** What is known of a path, without asking the storage. */
export function findKnown(namespace: Namespace, path: string): Entry | undefined {
  let entry: Entry | undefined;
  let at = ROOT_INO;
  for (const name of path.split('/')) {
    entry = namespace.known(at, Buffer.from(name));
    if (entry === undefined) return undefined;
    at = entry.ino;
  }
  return entry;
}

const NOTHING = 'nothing';

function stateOf({ kind, version }: { kind: string; version: string }): string {
  return `${kind} ${version}`;
}
