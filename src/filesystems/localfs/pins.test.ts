import assert from 'node:assert/strict';
import {
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { NodeIndex, NodeNames } from '../../fuse/session/index.ts';
import { file } from '../../libc/index.ts';
import { Pins } from './pins.ts';

const scratch = mkdtempSync(join(tmpdir(), 'evermount-pins-'));
after(() => rmSync(scratch, { recursive: true }));

/** Nodes whose key is their number. */
const nodes: NodeNames = {
  parentOf: () => 0,
  nameOf: () => Buffer.alloc(0),
  keyOf: () => new Uint32Array(5),
  hasKey: (index, key) => key[0] === index,
  writePath: () => -1,
};

function keyOf(node: NodeIndex): Uint32Array {
  return Uint32Array.of(node, 0, 0, 0, 0);
}

function openPath(name: string): number {
  return openSync(join(scratch, name), file.O_PATH);
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('pins are held for a while only once an open has met another file', () => {
  const pins = new Pins();
  assert.equal(pins.isOn, false);
  pins.begin();
  assert.equal(pins.isOn, true);
});

test('when the while is over every pin is let go', (context) => {
  let nowMs = 1_000;
  context.mock.method(performance, 'now', () => nowMs);
  writeFileSync(join(scratch, 'file'), '');
  const pins = new Pins();
  pins.begin();
  const before = countDescriptors();
  for (let i = 0; i < 5; i++) pins.hold(openPath('file'), keyOf(i));
  assert.equal(countDescriptors(), before + 5);
  nowMs += 3_600_000;
  assert.equal(pins.isOn, false);
  assert.equal(countDescriptors(), before);
  assert.equal(pins.reopen(1, nodes, 0), -1);
});

test('reopen() opens the very file that was held, although its name has gone to another', () => {
  const pins = new Pins();
  pins.begin();
  writeFileSync(join(scratch, 'file'), 'the first');
  pins.hold(openPath('file'), keyOf(7));
  writeFileSync(join(scratch, 'next'), 'the second');
  renameSync(join(scratch, 'next'), join(scratch, 'file'));
  const fd = pins.reopen(7, nodes, 0);
  assert.equal(readFileSync(fd, 'utf8'), 'the first');
  assert.equal(pins.reopen(8, nodes, 0), -1);
  file.close(fd);
});

test('hold() copies the key, which its caller uses again', () => {
  const pins = new Pins();
  pins.begin();
  const key = keyOf(3);
  pins.hold(openPath('file'), key);
  key[0] = 4;
  assert.equal(pins.reopen(4, nodes, 0), -1);
  const fd = pins.reopen(3, nodes, 0);
  assert.ok(fd >= 0);
  file.close(fd);
});

test('hold() keeps a bounded number of files, the latest ones', () => {
  const pins = new Pins();
  pins.begin();
  const before = countDescriptors();
  for (let i = 1; i <= 500; i++) pins.hold(openPath('file'), keyOf(i));
  assert.ok(countDescriptors() - before < 100, `${countDescriptors() - before} descriptors`);
  assert.equal(pins.reopen(1, nodes, 0), -1);
  const fd = pins.reopen(500, nodes, 0);
  assert.ok(fstatSync(fd).isFile());
  file.close(fd);
});
