// Telling the master, every few seconds, that this worker is there. A master that is away is asked again and again and
// costs nothing: clients go on with the workers they know. A master that says another live process has our id ends us:
// two caches behind one name would make every client ask the wrong one half of the time.
import { backoffDelayMs, sleep, type Logger } from '../../base/index.ts';
import { decodeWorkerAnswer, type RpcClient, type WorkerReport } from '../rpc/index.ts';
import { WorkerError } from './errors.ts';

export interface MembershipConfig {
  readonly heartbeatMs: number;
}

export interface MembershipDeps {
  readonly master: RpcClient;
  readonly report: () => WorkerReport;
  readonly log: Logger;
  /** Default: by the clock. */
  readonly sleep?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Runs until the signal aborts. Throws WorkerError 'conflict'; nothing else ends it. */
export async function keepMembership(
  config: MembershipConfig,
  deps: MembershipDeps,
  signal: AbortSignal,
): Promise<void> {
  const wait = deps.sleep ?? sleep;
  let failures = 0;
  for (;;) {
    const report = deps.report();
    try {
      await tell(report, config, deps, signal);
      if (failures > 0) deps.log.info('master is back', { master: deps.master.address, failures });
      failures = 0;
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof WorkerError) throw err;
      if (failures === 0) deps.log.warn('master cannot be told', { master: deps.master.address, error: err });
      failures += 1;
    }
    try {
      const backoffMs = backoffDelayMs(failures, { baseMs: 250, maxMs: config.heartbeatMs });
      await wait(failures === 0 ? config.heartbeatMs : backoffMs, signal);
    } catch {
      return; // aborted
    }
  }
}

async function tell(
  report: WorkerReport,
  config: MembershipConfig,
  { master, log }: MembershipDeps,
  signal: AbortSignal,
): Promise<void> {
  const answer = decodeWorkerAnswer(
    await master.json({ path: '/v1/workers', body: report, deadlineMs: 2 * config.heartbeatMs, signal }),
  );
  if (answer.accepted) return;
  const { heldBy } = answer;
  log.error('another worker has this id', { worker: report.id, heldBy });
  throw new WorkerError(
    `Cannot serve as worker "${report.id}": another live process (${heldBy}) has that id. ` +
      'Stop it, or remove the file "worker-id" from the first cache path of one of them',
    { code: 'conflict', id: report.id, heldBy },
  );
}
