import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../fuse/protocol/index.ts';
import { presentLink } from './links.ts';

const CASES: readonly { target: string; depth: number; shown: boolean }[] = [
  { target: 'b', depth: 0, shown: true },
  { target: './b/c', depth: 0, shown: true },
  { target: '../b', depth: 1, shown: true },
  { target: '../b', depth: 0, shown: false },
  { target: '../../b', depth: 1, shown: false },
  { target: 'b/../../c', depth: 1, shown: false },
  { target: 'b/..', depth: 3, shown: false },
  { target: '/etc/passwd', depth: 3, shown: false },
  { target: '', depth: 3, shown: false },
  { target: '..b', depth: 0, shown: true },
];

for (const { target, depth, shown } of CASES) {
  test(`presentLink() ${shown ? 'shows' : 'refuses'} "${target}" at depth ${depth}`, () => {
    const given = presentLink(Buffer.from(target), depth);
    assert.deepEqual(given, shown ? Buffer.from(target) : ERRNO.EACCES);
  });
}
