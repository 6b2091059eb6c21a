// What applications notice of a runtime whose processes die: MinIO, a master, three workers and two mounts as processes of
// their own, readers that verify every byte, and each worker and the master killed in turn, a disk filled, a bit flipped.
import { startMinio } from '../test/support/minio.ts';
import { befall, Runtime } from '../test/support/runtime.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { row, type Row } from './report.ts';

export const cluster: Bench = {
  name: 'cluster',
  purpose: 'SIGKILLs of master and workers, a full disk, a flipped bit: errors, wrong bytes [--kills N, of each]',
  run: measure,
};

const KILLS_OF_EACH = { full: 20, quick: 4 };

async function measure({ kills, quick, progress }: BenchOptions): Promise<Row[]> {
  const ofEach = kills ?? (quick ? KILLS_OF_EACH.quick : KILLS_OF_EACH.full);
  const minio = await startMinio();
  try {
    await using runtime = await Runtime.start(minio);
    const readers = await runtime.startReaders();
    try {
      const met = await befall(runtime, readers, ofEach, (text) => progress(`cluster: ${text}`));
      for (const remark of met.remarks) progress(`cluster: ${remark}`);
      return [
        row('kills of master and workers', met.kills, 'kills'),
        row('calls of readers', met.reads, 'calls'),
        row('bytes verified', met.bytes / 2 ** 30, 'GiB'),
        row('errors', met.errors, 'calls', null, { atMost: 0 }),
        row('wrong answers', met.wrong, 'calls', null, { atMost: 0 }),
        row('damaged blocks counted but the one', met.damagedBlocks - 1, 'blocks', null, { atMost: 0 }),
        row('longest call', met.longestStallMs, 'ms'),
      ];
    } finally {
      for (const reader of readers) await reader[Symbol.asyncDispose]();
    }
  } finally {
    await minio.stop();
  }
}
