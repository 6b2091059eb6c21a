import assert from 'node:assert/strict';
import test from 'node:test';
import { Fault } from './fault.ts';
import { createLogger } from './log.ts';
import type { Logger, LoggerOptions } from './log.ts';

const NOON = '2026-01-02T12:00:00.000Z';

function logInto(lines: string[], options: LoggerOptions = {}): Logger {
  return createLogger({ write: (line) => lines.push(line), now: () => new Date(NOON), ...options });
}

function onlyJson(lines: readonly string[]): unknown {
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0]!);
}

test('text is one line: time, level, message, facts, quoted where needed', () => {
  const lines: string[] = [];
  logInto(lines).info('mount served', {
    target: '/mnt/a b',
    opens: 3,
    nodeid: 1n,
    ok: true,
    gone: undefined,
    none: '',
  });
  assert.deepEqual(lines, [`${NOON} info  mount served target="/mnt/a b" opens=3 nodeid="1" ok=true none=""\n`]);
});

test('text stays on one line whatever the message and the facts contain', () => {
  const lines: string[] = [];
  logInto(lines).warn('two\nlines', { path: 'a\nb', list: ['c\nd'], error: new Error('e\nf') });
  assert.equal(lines.join('').split('\n').length, 2);
});

test('json is one object; facts cannot replace time, level or message', () => {
  const lines: string[] = [];
  logInto(lines, { format: 'json' }).error('state lost', { message: 'mine', sizeBytes: 2n ** 63n });
  assert.deepEqual(onlyJson(lines), {
    time: NOON,
    level: 'error',
    message: 'state lost',
    sizeBytes: '9223372036854775808',
  });
});

test('entries below the level are not written', () => {
  const lines: string[] = [];
  const log = logInto(lines, { level: 'warn' });
  log.error('a');
  log.warn('b');
  log.info('c');
  log.debug('d');
  assert.deepEqual(lines, [`${NOON} error a\n`, `${NOON} warn  b\n`]);
});

test('child() adds facts to every entry, and facts of the entry win', () => {
  const lines: string[] = [];
  const log = logInto(lines, { fields: { volume: 'v1' } }).child({ request: 7 });
  log.info('start');
  log.info('stop', { request: 8 });
  assert.deepEqual(lines, [`${NOON} info  start volume=v1 request=7\n`, `${NOON} info  stop volume=v1 request=8\n`]);
});

test('errors are shown as message, code and cause', () => {
  const cause = Object.assign(new Error('read failed'), { code: 'EIO' });
  const error = new Fault('Cannot read state', { code: 'state-unreadable' }, { cause });
  const text: string[] = [];
  logInto(text).error('recovery failed', { error });
  assert.deepEqual(text, [
    `${NOON} error recovery failed error="Cannot read state [state-unreadable]: read failed [EIO]"\n`,
  ]);
  const json: string[] = [];
  logInto(json, { format: 'json' }).error('recovery failed', { error });
  assert.deepEqual((onlyJson(json) as { error: unknown }).error, {
    message: 'Cannot read state',
    code: 'state-unreadable',
    cause: { message: 'read failed', code: 'EIO' },
  });
});

test('a fact that cannot be shown does not throw', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const lines: string[] = [];
  logInto(lines).info('odd', { circle, symbol: Symbol('s') });
  assert.match(lines[0]!, /circle="cannot be shown: /);
});
