// Kill storms: parts of a session killed one after the other, as fast as a session can be expected to bear it.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part, TestMount } from './mounts.ts';
import type { Counts } from './readers.ts';
import { until } from './wait.ts';

export const PAUSE_MS_MAX = 60;

/** Kills these parts in turn, `kills` in all; `between` runs after each. */
export async function killInTurn(
  mount: TestMount,
  kills: number,
  parts: readonly Part[],
  between: () => void | Promise<void> = () => {},
): Promise<void> {
  for (let i = 0; i < kills; i++) {
    const part = parts[i % parts.length]!;
    // The session is lost with its last holder: the other one must have its descriptors before this one dies.
    if (part === 'vault') await untilHolds(mount, 'supervisor');
    if (part === 'supervisor') await untilHolds(mount, 'vault');
    await mount.kill(part);
    await between();
    await sleep(Math.random() * PAUSE_MS_MAX);
  }
}

async function untilHolds(mount: TestMount, part: Part): Promise<void> {
  await until(`a ${part} that holds the session`, async () => {
    const pid = await mount.pid(part);
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === '/dev/fuse');
    } catch {
      return false; // a descriptor or the process went away meanwhile
    }
  });
}

export function assertUnharmed(counts: Counts): void {
  assert.deepEqual({ errors: counts.errors, wrong: counts.wrong }, { errors: 0, wrong: 0 }, counts.remarks.join('\n'));
  assert.ok(counts.reads > 0, 'nothing was read');
}
