// What the store and the machine can do at all: the same bytes by plain concurrent GETs, the same names by plain listings.
// curl, because nothing that was tried takes less of the processor from the server.
import { Agent, get } from 'node:http';
import { writeFileSync } from 'node:fs';
import { run } from '../workspace.ts';
import type { DataFile } from './data.ts';
import { BUCKET, type Store } from './store.ts';

/** The fastest of those tried for objects read in parts, and for small objects. */
const PARTS_AT_ONCE = 4;
const SMALL_AT_ONCE = 16;
const PART_BYTES = 32 * 1024 * 1024;
const LIST_TIMEOUT_MS = 60_000;

/** Seconds it takes to get these objects, the large ones in parts. */
export async function getSeconds(
  store: Store,
  prefix: string,
  files: readonly DataFile[],
  config: string,
): Promise<number> {
  const lines: string[] = [];
  for (const { path, sizeBytes } of files) {
    for (let at = 0; at < sizeBytes; at += PART_BYTES) {
      const range = sizeBytes <= PART_BYTES ? '' : `range="${at}-${Math.min(at + PART_BYTES, sizeBytes) - 1}"\n`;
      lines.push(`url="${store.endpoint}/${BUCKET}/${prefix}/${path}"\n${range}output="/dev/null"\n`);
    }
  }
  const isInParts = lines.length > files.length;
  writeFileSync(config, lines.join(isInParts ? 'next\nfail\nno-progress-meter\n' : ''));
  const atOnce = files.length > 100 ? SMALL_AT_ONCE : PARTS_AT_ONCE;
  const start = performance.now();
  await run('curl', [
    '--fail',
    '--no-progress-meter',
    '--parallel',
    '--parallel-max',
    String(atOnce),
    '--config',
    config,
  ]);
  return (performance.now() - start) / 1000;
}

/** Seconds it takes to list every key below the prefix, a thousand at a time, and how many there are. */
export async function listSeconds(store: Store, prefix: string): Promise<{ seconds: number; keys: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const start = performance.now();
  let keys = 0;
  let token: string | undefined;
  do {
    const query = new URLSearchParams({ 'list-type': '2', 'max-keys': '1000', prefix: `${prefix}/` });
    if (token !== undefined) query.set('continuation-token', token);
    const page = await getText(`${store.endpoint}/${BUCKET}?${query.toString()}`, agent);
    keys += page.split('<Key>').length - 1;
    token = /<NextContinuationToken>([^<]+)</.exec(page)?.[1];
  } while (token !== undefined);
  agent.destroy();
  return { seconds: (performance.now() - start) / 1000, keys };
}

function getText(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = get(url, { agent, timeout: LIST_TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`Cannot list: MinIO answered ${response.statusCode ?? 0}`));
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('Cannot list: no answer in time')));
    outgoing.on('error', reject);
  });
}
