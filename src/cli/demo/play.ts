// The demo itself: two mounts of one source, readers on both, and SIGKILL, until enough have died.
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../base/index.ts';
import { mountAt } from '../../host/index.ts';
import { countKills, planKills, type Victim } from './kills.plan.ts';
import { OurMount } from './our-mount.ts';
import type { Progress } from '../progress.ts';
import { Readers, READERS } from './readers.ts';
import { isFlawless, progressLine, type Outcome } from './report.ts';
import type { Room, Stage } from './stage.ts';
import { StoreWatch } from './store-watch.ts';

export interface Play {
  /** The folder with the truth. */
  source: string;
  stage: (room: Room) => Promise<Stage> | Stage;
  daemonKills: number;
  progress: Progress;
  /** Ends it early; everything is still put away. */
  signal: AbortSignal;
}

/** A kill falls somewhere in each such span, or later if the session is not whole again yet. */
const KILL_EVERY_MS = 1_000;
/** Nobody waits longer than this for the kills; those left over are then left out, and the demo has failed. */
const KILLING_MAX_MS = 45_000;
const AFTER_LAST_KILL_MS = 1_000;
const SHOW_MS = 100;

/** Makes everything in a folder of its own below the temporary folder, and removes all of it again, whatever happens. */
export async function play({ source, stage, daemonKills, progress, signal }: Play): Promise<Outcome> {
  const room = mkdtempSync(join(tmpdir(), 'evermount-demo-'));
  const targets = { ours: join(room, 'evermount'), ordinary: join(room, 'ordinary') };
  const state = join(room, 'state');
  const sampleFile = join(room, 'sample.json');
  const log = join(room, 'log');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeRoom(room, Object.values(targets)));
  for (const target of Object.values(targets)) mkdirSync(target);
  const {
    sample,
    ours: ourSource,
    ordinary: makeOrdinary,
    remark,
  } = await stage({
    path: room,
    stateFolder: state,
    log,
    stack,
    signal,
  });
  writeFileSync(sampleFile, JSON.stringify(sample));

  const ours = stack.adopt(await OurMount.make(ourSource(targets.ours), targets.ours, state, 'auto'), (each) =>
    each.end(),
  );
  const ordinary = stack.adopt(await makeOrdinary(targets.ordinary), (each) => each.end());
  signal.throwIfAborted();
  const readersOn = (mount: string, name: string): Readers =>
    stack.adopt(new Readers({ mount, source, sampleFile, socket: join(room, `${name}.sock`), log }), (each) =>
      each.close(),
    );
  const readers = { ours: readersOn(targets.ours, 'o'), ordinary: readersOn(targets.ordinary, 'n') };
  await Promise.all([readers.ours.ready(), readers.ordinary.ready()]);

  const startMs = performance.now();
  const victims = planKills(daemonKills);
  const killed: Victim[] = [];
  const store = ourSource(targets.ours).sourceConfig === '' ? undefined : new StoreWatch(ours.controlSocket);
  let isLost = false;
  const show = (): void => {
    progress.show(
      progressLine(countKills(killed), countKills(victims), readers.ours.tally, performance.now() - startMs),
    );
  };
  const timer = setInterval(show, SHOW_MS);
  stack.defer(() => clearInterval(timer));
  for (const [i, victim] of victims.entries()) {
    const dueMs = startMs + (i + Math.random()) * KILL_EVERY_MS;
    await sleep(Math.max(0, dueMs - performance.now()), signal);
    isLost = (await ours.whole(signal)) === 'lost';
    if (isLost || performance.now() - startMs > KILLING_MAX_MS) break;
    await store?.look(victim === 'daemon');
    await ours.kill(victim);
    if (killed.length === 0) await ordinary.kill();
    killed.push(victim);
  }
  isLost ||= (await ours.whole(signal)) === 'lost';
  await sleep(AFTER_LAST_KILL_MS, signal);

  await store?.look(false);
  const [tally, ordinaryTally] = await Promise.all([readers.ours.stop(), readers.ordinary.stop()]);
  const kills = countKills(killed);
  return {
    source,
    remark,
    sampleFiles: sample.length,
    seconds: (performance.now() - startMs) / 1000,
    ours: { kills, takeovers: ours.takeovers, readers: READERS, tally },
    ordinary: { name: ordinary.name, kills: { daemon: 1 }, readers: READERS, tally: ordinaryTally },
    ...(store === undefined ? {} : { store: store.told }),
    ok: !isLost && killed.length === victims.length && isFlawless(kills, tally),
  };
}

/** Never deletes through a mount: what is still mounted stays, and its folder with it. */
function removeRoom(room: string, targets: readonly string[]): void {
  if (targets.some((target) => mountAt(target) !== undefined)) return;
  for (const target of targets) rmdirSync(target);
  rmSync(room, { recursive: true, force: true });
}
