import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countKills, planKills } from './kills.plan.ts';

test('planKills() names every kind at least once, however few daemons are to be killed', () => {
  for (let daemons = 1; daemons <= 40; daemons++) {
    const counts = countKills(planKills(daemons));
    assert.equal(counts.daemon, daemons);
    assert.ok(counts.vault >= 1 && counts.supervisor === counts.vault, JSON.stringify(counts));
  }
});

test('planKills() takes vault and supervisor in turn', () => {
  const others = planKills(20).filter((victim) => victim !== 'daemon');
  assert.deepEqual(others, ['vault', 'supervisor', 'vault', 'supervisor', 'vault', 'supervisor']);
});
