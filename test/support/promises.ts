// The numbered promises of docs/SEMANTICS.md, which tests execute.
import { readFileSync } from 'node:fs';

const DATASETS = '\n## Datasets from object storage\n';

/** Number -> the words in bold behind it. Of mounts in general, or of datasets. */
export function promisesOf(part: 'mounts' | 'datasets'): Map<number, string> {
  const text = readFileSync(new URL('../../docs/SEMANTICS.md', import.meta.url), 'utf8');
  const [mounts = '', datasets = ''] = text.split(DATASETS);
  const found = (part === 'mounts' ? mounts : datasets).matchAll(/^(\d+)\. \*\*([^]*?)\*\*/gm);
  return new Map([...found].map(([, number, title]) => [Number(number), String(title).replace(/\s+/g, ' ')]));
}
