// Who a worker is: an id that stays with its cache folder, so that clients go on finding in it what they put there.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import { WorkerError } from './errors.ts';

const FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id kept in the folder, which is there; made on first use. Throws WorkerError 'bad-identity' rather than taking a new one over an odd one. */
export function ensureWorkerId(folder: string): string {
  const path = join(folder, 'worker-id');
  const known = readId(path);
  if (known !== undefined) return known;
  const id = randomUUID();
  writeFileAtomic(path, `${id}\n`, 0o600);
  return id;
}

function readId(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
  if (FORM.test(text)) return text;
  throw new WorkerError(`Cannot read the worker's id from "${path}": remove the file and it gets a new one`, {
    code: 'bad-identity',
    path,
  });
}
