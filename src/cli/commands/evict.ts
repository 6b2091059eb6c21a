// evermount evict: room in the cache, by forgetting what somebody knows will not be read.
import { parseArgs } from 'node:util';
import { openPlace, PLACE_HELP, PLACE_OPTIONS } from '../cache/place.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { formatBytes } from '../../base/index.ts';
import { isRecord } from '../../cache/rpc/index.ts';

const help = `Usage: evermount evict [options] DIR[/PATH]
       evermount evict [options] --master HOST:PORT --token-file FILE [PATH]

Forgets the cached data of DIR/PATH, or of all of the dataset mounted at DIR: the next read
fetches it from the storage again. Names stay known. What is open is not forgotten, nor is what
the kernel keeps in its page cache. Nobody needs this for making room: the cache does that by
itself, dropping what was not read for longest.

Options:
  --json              print the outcome as JSON
${PLACE_HELP}

Exit status: 0 done, 1 the storage or the mount did not answer, 2 wrong usage, or a mount without
a cache, 3 nothing of ours is mounted there.
`;

export const command: Command = { help, run };

const EVICT_TIMEOUT_MS = 120_000;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...PLACE_OPTIONS, json: { type: 'boolean' } },
  });
  const place = openPlace('evict', positionals, values);
  if (place === undefined) return EXIT.NOT_MOUNTED;
  const { client, path, name } = place;
  try {
    const answer = await client.json({
      path: '/v1/evict',
      body: { path: path.toString('base64url') },
      deadlineMs: EVICT_TIMEOUT_MS,
    });
    const freedBytes = isRecord(answer) && typeof answer['freedBytes'] === 'number' ? answer['freedBytes'] : 0;
    if (values.json === true) process.stdout.write(`${JSON.stringify({ freedBytes })}\n`);
    else if (freedBytes === 0) process.stdout.write(`Nothing of "${name}" was cached, but for what may be open\n`);
    else process.stdout.write(`Evicted ${formatBytes(freedBytes)} of "${name}"\n`);
    return EXIT.OK;
  } finally {
    client.close();
  }
}
