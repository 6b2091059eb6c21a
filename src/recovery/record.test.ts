import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { RECORD_VERSION, readRecord, RecordError, writeRecord, type SessionRecord } from './record.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-record-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'session.json');

const RECORD: SessionRecord = {
  version: RECORD_VERSION,
  id: '0123456789abcdef',
  target: '/mnt/with "quotes" and ünicode',
  source: 'local:/data',
  sourceConfig: '',
  uid: 1000,
  connection: 57,
  agreed: {
    major: 7,
    minor: 45,
    flags: 0x80_7fff_ffffn,
    maxReadahead: 1 << 20,
    maxWrite: 4096,
    maxPages: 256,
    maxBackground: 64,
    congestionThreshold: 48,
    timeGran: 1,
    maxStackDepth: 1,
    requestTimeout: 0,
  },
  options: {
    links: 'inside',
    entryTimeoutMs: 1000,
    attrTimeoutMs: 1000,
    negativeTimeoutMs: 0,
    allowOther: true,
    passthrough: false,
    takeover: 'auto',
    standby: 'on',
    recoverDeadlineMs: 60_000,
    hangTimeoutMs: 5_000,
  },
  createdAt: '2026-01-01T00:00:00.000Z',
  aborted: undefined,
};

type Json = Record<string, unknown>;

function written(): Json {
  writeRecord(path, RECORD);
  return JSON.parse(readFileSync(path, 'utf8')) as Json;
}

function assertRefused(content: string | Uint8Array, code: RecordError['code']): void {
  writeFileSync(path, content);
  assert.throws(
    () => readRecord(path),
    (err) => err instanceof RecordError && err.code === code && err.message.includes(path),
  );
}

suite('readRecord()', () => {
  test('readRecord() returns what writeRecord() was given', () => {
    for (const aborted of [undefined, 'no daemon served']) {
      writeRecord(path, { ...RECORD, aborted });
      assert.deepEqual(readRecord(path), { ...RECORD, aborted });
    }
  });

  test('readRecord() says so when there is no record', () => {
    rmSync(path, { force: true });
    assert.throws(() => readRecord(path), { code: 'record-missing' });
  });

  test('readRecord() refuses a record cut at any byte', () => {
    writeRecord(path, RECORD);
    const whole = readFileSync(path);
    const jsonBytes = whole.toString().trimEnd().length;
    for (let length = 0; length < Buffer.from(whole.toString().slice(0, jsonBytes)).length; length++) {
      assertRefused(whole.subarray(0, length), 'record-unreadable');
    }
  });

  test('readRecord() refuses what another version wrote, and names both versions', () => {
    for (const version of [0, RECORD_VERSION + 1, '1', undefined, null]) {
      assertRefused(JSON.stringify({ ...written(), version }), 'record-version');
    }
    assert.throws(() => readRecord(path), /this is version 1/);
  });

  test('readRecord() refuses JSON that is no record', () => {
    for (const text of ['null', '7', '"text"', '', '{', '\0\0\0\0']) assertRefused(text, 'record-unreadable');
    assertRefused('[]', 'record-version');
    assertRefused('{}', 'record-version');
  });

  test('readRecord() refuses a record in which any field is missing or of another kind', () => {
    const whole = written();
    const damaged = (name: string): unknown[] => [
      undefined,
      null,
      {},
      [],
      name === 'uid' || name === 'connection' ? '7' : 7,
    ];
    for (const name of Object.keys(whole).filter((each) => each !== 'version' && each !== 'aborted')) {
      for (const value of damaged(name))
        assertRefused(JSON.stringify({ ...whole, [name]: value }), 'record-unreadable');
    }
    const options = whole['options'] as Json;
    for (const name of Object.keys(options)) {
      for (const value of [undefined, null, 'nonsense', -1, 1.5, 2 ** 60, []]) {
        assertRefused(JSON.stringify({ ...whole, options: { ...options, [name]: value } }), 'record-unreadable');
      }
    }
    assertRefused(JSON.stringify({ ...whole, aborted: 7 }), 'record-unreadable');
  });

  test('readRecord() leaves out fields it does not know', () => {
    writeFileSync(path, JSON.stringify({ ...written(), later: true }));
    assert.deepEqual(readRecord(path), RECORD);
  });
});

test('writeRecord() makes a file only its owner can read', () => {
  writeRecord(path, RECORD);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});
