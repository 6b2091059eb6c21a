import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agreedFromJson, agreedToJson } from './agreed-json.ts';
import { WireError } from './errors.ts';
import { INIT_FLAGS } from './flags.ts';
import type { InitIn } from './init.ts';
import { negotiate } from './negotiate.ts';
import type { InitWishes } from './negotiate.ts';

const { INIT_EXT, HAS_RESEND, MAX_PAGES, ASYNC_READ, PASSTHROUGH } = INIT_FLAGS;

/** As Linux 6.18 makes it. */
const OFFER: InitIn = { major: 7, minor: 45, maxReadahead: 131072, flags: 0x5fd_73ff_fffbn };
const WISHES: InitWishes = {
  flags: ASYNC_READ | MAX_PAGES | HAS_RESEND | PASSTHROUGH,
  maxReadahead: 1 << 20,
  maxWrite: 1 << 20,
  maxBackground: 64,
  congestionThreshold: 48,
  timeGran: 1,
  maxStackDepth: 1,
  requestTimeout: 600,
};

test('agreedFromJson() gives back whatever negotiate() agreed on and agreedToJson() saved', () => {
  const words = fc.bigInt(0n, 2n ** 64n - 1n);
  fc.assert(
    fc.property(words, words, fc.nat(2 ** 31), fc.integer({ min: 31, max: 60 }), (offered, wished, maxWrite, minor) => {
      const agreed = negotiate({ ...OFFER, flags: offered, minor }, { ...WISHES, flags: wished, maxWrite });
      assert.deepEqual(agreedFromJson(JSON.parse(JSON.stringify(agreedToJson(agreed)))), agreed);
    }),
  );
});

test('agreedFromJson() reads what an earlier release wrote, and drops what it does not know', () => {
  const saved =
    '{"major":7,"minor":45,"maxReadahead":131072,"flags":"0xa040400001","maxBackground":64,"congestionThreshold":48,"maxWrite":1048576,"timeGran":1,"maxPages":256,"maxStackDepth":1,"requestTimeout":0,"later":true}';
  const agreed = agreedFromJson(JSON.parse(saved));
  assert.equal(agreed.flags, ASYNC_READ | MAX_PAGES | INIT_EXT | PASSTHROUGH | HAS_RESEND);
  assert.equal('later' in agreed, false);
});

test('agreedFromJson() refuses every field that is missing or wrong', () => {
  const sound = agreedToJson(negotiate(OFFER, WISHES));
  for (const name of Object.keys(sound)) {
    for (const wrong of [undefined, null, -1, 1.5, 2 ** 40, '1', '0xg', '0x1ffffffffffffffff', {}]) {
      assert.throws(() => agreedFromJson({ ...sound, [name]: wrong }), WireError, `${name}: ${JSON.stringify(wrong)}`);
    }
  }
  for (const wrong of [undefined, null, 7, 'agreed', []]) assert.throws(() => agreedFromJson(wrong), WireError);
  assert.throws(() => agreedFromJson({ ...sound, minor: 46 }), WireError);
});
