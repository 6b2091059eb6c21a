import assert from 'node:assert/strict';
import test from 'node:test';
import { decode } from './decode.ts';
import { describeProblem, describeProblems } from './problem.ts';
import { defaulted, flag, int32, int64, kept, list, map, needed, object, oneOf, openObject } from './shape.ts';
import { optional, quantity, required, text, time, usually, type Infer, type Type } from './shape.ts';

const boat = object({
  name: required(text({ minLength: 2 }), 'What is painted on it. Not its type.'),
  sails: optional(int32({ minimum: 1 }), 'How many it has.'),
  motor: optional(flag(), 'Whether it has one.'),
  hull: defaulted(oneOf(['wood', 'steel', '']), 'wood', 'What it is made of.'),
  flag: optional(usually(['red', 'green']), 'Colour.'),
  water: optional(quantity(), 'What fits into its tank.'),
  built: optional(time(), 'When.'),
  berths: optional(list(object({ at: required(text(), 'Where.') }), { minItems: 1 }), 'Where it lies.'),
  log: optional(map(text()), 'What happened, by day.'),
  owner: needed(text(), 'Whose it is.'),
  papers: kept(openObject({ number: optional(int64(), 'Number.') }), 'Papers.'),
});

const LEAST = { name: 'ida', owner: 'me' };

test('decode() takes what is right, fills in defaults and drops what nobody described', () => {
  const json = {
    ...LEAST,
    sails: 2,
    motor: false,
    flag: 'blue',
    water: '20Gi',
    built: '2026-11-21T14:00:00Z',
    berths: [{ at: 'a' }],
    log: { '1.1.': 'rain' },
    papers: { number: 7, stamp: { red: true } },
  };
  assert.deepEqual(decode(boat, { ...json, hul: 'steel' }, ''), { ok: true, value: { ...json, hull: 'wood' } });
});

test('decode() takes null for a field that is absent', () => {
  assert.deepEqual(decode(boat, { ...LEAST, sails: null, hull: null }, ''), {
    ok: true,
    value: { ...LEAST, hull: 'wood' },
  });
});

test('a decoded value has the type of its description', () => {
  type Boat = Infer<typeof boat>;
  const value: Boat = { name: 'ida', owner: 'me', hull: 'steel' };
  const hull: 'wood' | 'steel' | '' = value.hull;
  const sails: number | undefined = value.sails;
  // @ts-expect-error: required
  const nameless: Boat = { owner: 'me', hull: 'wood' };
  // @ts-expect-error: no such word
  const glass: Boat = { ...value, hull: 'glass' };
  assert.deepEqual([hull, sails, nameless.name, glass.hull], ['steel', undefined, undefined, 'glass']);
});

const BAD: readonly [json: unknown, problem: string][] = [
  [{ owner: 'me' }, 'Cannot use boat.name: it is missing; set it: What is painted on it'],
  [{ ...LEAST, owner: '' }, 'Cannot use boat.owner: it is missing; set it: Whose it is'],
  [{ ...LEAST, name: 'i' }, 'Cannot use boat.name: it is "i"; write at least 2 characters'],
  [{ ...LEAST, name: 7 }, 'Cannot use boat.name: it is a number; write it as text, in quotes'],
  [{ ...LEAST, sails: '2' }, 'Cannot use boat.sails: it is text; write a whole number without quotes'],
  [{ ...LEAST, sails: 1.5 }, 'Cannot use boat.sails: it is 1.5; write a whole number without quotes'],
  [{ ...LEAST, sails: 0 }, 'Cannot use boat.sails: it is 0; write a number from 1 to 2147483647'],
  [{ ...LEAST, sails: 2 ** 31 }, 'Cannot use boat.sails: it is 2147483648; write a number from 1 to 2147483647'],
  [{ ...LEAST, motor: 'yes' }, 'Cannot use boat.motor: it is text; write true or false, without quotes'],
  [{ ...LEAST, hull: 'glass' }, 'Cannot use boat.hull: it is "glass"; write one of "wood", "steel", ""'],
  [{ ...LEAST, water: '20GiB' }, 'Cannot use boat.water: it is "20GiB"; write a quantity, such as 20Gi or 500M'],
  [{ ...LEAST, built: 'now' }, 'Cannot use boat.built: it is "now"; write a time such as 2026-11-21T14:00:00Z'],
  [{ ...LEAST, berths: [] }, 'Cannot use boat.berths: it is an empty list; add an item, or leave out the field'],
  [{ ...LEAST, berths: { at: 'a' } }, 'Cannot use boat.berths: it is an object; write a list'],
  [{ ...LEAST, berths: [{ at: 'a' }, {}] }, 'Cannot use boat.berths[1].at: it is missing; set it: Where'],
  [{ ...LEAST, berths: [null] }, 'Cannot use boat.berths[0]: it is empty; write names with their values'],
  [{ ...LEAST, log: [] }, 'Cannot use boat.log: it is a list; write names with their values'],
  [
    { ...LEAST, log: { 'a.b/c': true } },
    'Cannot use boat.log["a.b/c"]: it is true or false; write it as text, in quotes',
  ],
  [
    { ...LEAST, papers: { number: '7' } },
    'Cannot use boat.papers.number: it is text; write a whole number without quotes',
  ],
  ['ida', 'Cannot use boat: it is text; write names with their values'],
  [undefined, 'Cannot use boat: it is empty; write names with their values'],
];

for (const [json, problem] of BAD) {
  test(`decode() says: ${problem}`, () => {
    const decoded = decode(boat, json, 'boat');
    assert.deepEqual(decoded.ok ? [] : decoded.problems.map(describeProblem), [problem]);
  });
}

test('decode() tells everything that is wrong at once', () => {
  const decoded = decode(boat, { hull: 1, sails: 'x', log: { a: 1, b: 2 } }, 'boat');
  assert.deepEqual(decoded.ok ? [] : decoded.problems.map(({ path }) => path), [
    'boat.name',
    'boat.sails',
    'boat.hull',
    'boat.log.a',
    'boat.log.b',
    'boat.owner',
  ]);
});

test('describeProblems() shows five of many, and how many there are', () => {
  const type: Type<readonly string[]> = list(text());
  const decoded = decode(type, [1, 2, 3, 4, 5, 6, 7], 'x');
  const sentences = decoded.ok ? '' : describeProblems(decoded.problems);
  assert.match(sentences, /^Cannot use x\[0\]: .*Cannot use x\[4\]: it is a number; [^.]*\. And 2 more$/);
  assert.doesNotMatch(sentences, /x\[5\]/);
});

test('describeProblems() fits into an event, however long the names are', () => {
  const decoded = decode(map(text()), { ['k'.repeat(5000)]: 1 }, 'options');
  assert.equal(decoded.ok ? 0 : describeProblems(decoded.problems).length, 1024);
});

test('decode() never repeats a value that may be a secret, and no long one in full', () => {
  const secret = decode(map(text()), { password: 123_456 }, 'options');
  assert.doesNotMatch(secret.ok ? '' : describeProblems(secret.problems), /123456/);
  const long = decode(oneOf(['a']), 'x'.repeat(5000), 'word');
  assert.ok(!long.ok && describeProblems(long.problems).length < 200);
});

test('decode() is not fooled by names that objects have anyway', () => {
  const json: unknown = JSON.parse('{"__proto__": "x", "constructor": "y"}');
  const decoded = decode(map(text()), json, '');
  assert.ok(decoded.ok);
  assert.deepEqual(Object.entries(decoded.value), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  const least: Type<{ readonly toString?: string }> = object({ toString: optional(text(), 'Text.') });
  assert.deepEqual(decode(least, {}, ''), { ok: true, value: {} });
});
