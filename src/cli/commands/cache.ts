// evermount cache: what is cached where, and the removal of what nobody uses.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDetails, cacheTable, type CacheRow } from '../cache/cache-report.ts';
import { loadJson } from '../cache/load-report.ts';
import { openPlace, PLACE_HELP, PLACE_OPTIONS } from '../cache/place.ts';
import { prunedReport, pruneCaches } from '../cache/prune.ts';
import type { Command } from '../command.ts';
import { decodeCacheSummary } from '../dataset/cache-summary.ts';
import { defaultCacheDir } from '../dataset/dataset-options.ts';
import { EXIT, UsageError } from '../exit.ts';
import { findSessionOf } from '../find-session.ts';
import { RpcError, type RpcClient } from '../../cache/rpc/index.ts';
import { decodeLoadStatus, type LoadStatus } from '../../cache/rpc/master/index.ts';
import { listSessions, readRecord, stateFolder } from '../../recovery/index.ts';

const help = `Usage: evermount cache [--json] [DIR]
       evermount cache [--json] --master HOST:PORT --token-file FILE
       evermount cache --prune [--json] [--cache-dir DIR]

Shows what is cached of each mount that has a cache, or all that is known of the one at DIR: how
much of the source, what share of the bytes read came from the cache, what was evicted to make
room, what was found damaged on disk (such a block is fetched again, never served), and loads
that are under way. What the kernel answers from its page cache, or reads itself from a whole
cached file, is not counted as read.

--prune removes the cache folders of sources that are not mounted. A folder outlives its mount, so
that the next one of the same source at the same DIR finds it; nothing else ever removes it. It
asks nothing, and tells what it removed. A folder that a process uses is left alone.

Options:
  --prune             remove cache folders that no mount uses
  --cache-dir DIR     where they are, if not in the usual place or beside those in use
  --json              print it as JSON
${PLACE_HELP}

Exit status: 0 done, 1 nobody answered, 2 wrong usage, or a mount without a cache, 3 nothing of
ours is mounted at DIR.
`;

export const command: Command = { help, run };

const ASK_MS = 5_000;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PLACE_OPTIONS,
      prune: { type: 'boolean' },
      'cache-dir': { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const json = values.json === true;
  const uid = process.getuid?.() ?? 0;
  const state = stateFolder(process.env, uid);
  if (values.prune === true) {
    if (positionals.length > 0 || values.master !== undefined)
      throw new UsageError('--prune takes no DIR and no --master; see evermount cache --help');
    const dir = values['cache-dir'];
    const pruned = await pruneCaches(
      state,
      dir === undefined ? defaultCacheDir({ uid, env: process.env }) : resolve(dir),
    );
    process.stdout.write(json ? `${JSON.stringify(pruned)}\n` : prunedReport(pruned));
    return EXIT.OK;
  }
  if (values['cache-dir'] !== undefined) throw new UsageError('--cache-dir is for --prune');
  const isOne = positionals.length > 0 || values.master !== undefined;
  const targets = isOne ? [String(positionals[0] ?? values.master)] : cachedTargets(state);
  const rows: CacheRow[] = [];
  for (const target of targets) {
    const row = await rowOf(state, target, isOne ? values : {}, isOne ? positionals : [target]);
    if (row !== undefined) rows.push(row);
    else if (isOne) return EXIT.NOT_MOUNTED;
  }
  if (json) process.stdout.write(`${JSON.stringify(rows.map(jsonOf))}\n`);
  else if (rows.length === 0) process.stdout.write('No mounts with a cache.\n');
  else process.stdout.write(isOne ? rows.map(cacheDetails).join('') : cacheTable(rows));
  return rows.every(({ summary }) => summary !== undefined) ? EXIT.OK : EXIT.FAILED;
}

/** Undefined: nothing of ours is mounted there, or not any more. */
async function rowOf(
  state: string,
  target: string,
  values: Parameters<typeof openPlace>[2],
  positionals: readonly string[],
): Promise<CacheRow | undefined> {
  const place = openPlace('cache', positionals, values);
  if (place === undefined) return undefined;
  const { client } = place;
  const record = values.master === undefined ? findSessionOf(state, target)?.session.record : undefined;
  const named = { target: record?.target ?? client.address, source: record?.source ?? '' };
  try {
    const summary = decodeCacheSummary(await client.json({ path: '/v1/summary', deadlineMs: ASK_MS }));
    return { ...named, summary, loads: await loadsOf(client) };
  } catch (err) {
    const isAway = err instanceof RpcError && (err.code === 'unreachable' || err.code === 'timeout');
    if (!isAway || values.master !== undefined) throw err;
    return { ...named, summary: undefined, loads: [] };
  } finally {
    client.close();
  }
}

/** Those that have not ended. */
async function loadsOf(client: RpcClient): Promise<LoadStatus[]> {
  const answer = await client.json({ path: '/v1/load', deadlineMs: ASK_MS });
  const all = Array.isArray(answer) ? answer.map(decodeLoadStatus) : [];
  return all.filter(({ progress: { state } }) => state === 'waiting' || state === 'running');
}

function cachedTargets(state: string): string[] {
  return listSessions(state).flatMap((folder) => {
    try {
      const { target, sourceConfig, aborted } = readRecord(folder.record);
      return sourceConfig === '' || aborted !== undefined ? [] : [target];
    } catch {
      return []; // being made or removed
    }
  });
}

function jsonOf({ target, source, summary, loads }: CacheRow): unknown {
  return { target, source, ...summary, loads: loads.map(loadJson) };
}
