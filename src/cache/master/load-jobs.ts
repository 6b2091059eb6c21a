// Load jobs by id: kept on disk from the moment they are accepted, run a few at a time, run again after a restart.
//
// A job's file is written when it is accepted and when it ends; one that has not ended is run again from its start, which
// finds cached what it had loaded. Ended jobs are kept to be asked for, the oldest go first.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic, type Logger } from '../../base/index.ts';
import {
  decodeLoadStatus,
  encodeLoadStatus,
  NO_PROGRESS,
  type LoadProgress,
  type LoadSpec,
  type LoadStatus,
} from '../rpc/master/index.ts';
import { MasterError } from './errors.ts';
import type { LoadJob } from './load-job.ts';

export interface LoadJobsConfig {
  readonly folder: string;
  /** Default 2. */
  readonly runningMax?: number;
  /** Waiting and running. A further one is refused. Default 64. */
  readonly jobsMax?: number;
  /** Ended ones that are kept. Default 64. */
  readonly endedMax?: number;
}

interface Job {
  readonly id: string;
  readonly spec: LoadSpec;
  readonly order: number;
  readonly stop: AbortController;
  /** While it runs. */
  running: LoadJob | undefined;
  last: LoadProgress;
}

export class LoadJobs {
  readonly #config: Required<LoadJobsConfig>;
  readonly #log: Logger;
  readonly #create: (spec: LoadSpec) => LoadJob;
  readonly #jobs = new Map<string, Job>();
  readonly #runs = new Set<Promise<void>>();
  #order = 0;
  #closing = false;

  /** Takes up what had not ended. A file that cannot be read is told and left where it is. */
  constructor(config: LoadJobsConfig, log: Logger, create: (spec: LoadSpec) => LoadJob) {
    this.#config = { runningMax: 2, jobsMax: 64, endedMax: 64, ...config };
    this.#log = log;
    this.#create = create;
    mkdirSync(config.folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(config.folder)
      .filter((it) => it.endsWith('.json'))
      .sort())
      this.#load(name);
    this.#next();
  }

  /** On disk when it returns. Throws MasterError 'too-many'. */
  start(spec: LoadSpec): LoadStatus {
    const open = [...this.#jobs.values()].filter((job) => !hasEnded(job.last));
    if (open.length >= this.#config.jobsMax) {
      const message = `Cannot take another load job: ${open.length} have not ended`;
      throw new MasterError(message, { code: 'too-many', what: 'load jobs', limit: this.#config.jobsMax });
    }
    const id = `${Date.now().toString(36).padStart(9, '0')}-${randomUUID().slice(0, 8)}`; // sorts by age
    const job = this.#add(id, spec, NO_PROGRESS);
    this.#save(job);
    this.#next();
    return statusOf(job);
  }

  status(id: string): LoadStatus | undefined {
    const job = this.#jobs.get(id);
    return job && statusOf(job);
  }

  /** Oldest first. */
  list(): LoadStatus[] {
    return [...this.#jobs.values()].sort((a, b) => a.order - b.order).map(statusOf);
  }

  /** It ends soon, if it has not. Undefined when there is no such job. */
  cancel(id: string): LoadStatus | undefined {
    const job = this.#jobs.get(id);
    if (job === undefined) return undefined;
    job.stop.abort();
    if (job.running === undefined && !hasEnded(job.last)) this.#ended(job, { ...job.last, state: 'cancelled' });
    return statusOf(job);
  }

  /** What runs is cut off, and run again by whoever opens the folder next. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const job of this.#jobs.values()) if (job.running !== undefined) job.stop.abort();
    await Promise.all(this.#runs);
  }

  #add(id: string, spec: LoadSpec, last: LoadProgress): Job {
    this.#order += 1;
    const job: Job = { id, spec, order: this.#order, stop: new AbortController(), running: undefined, last };
    this.#jobs.set(id, job);
    return job;
  }

  #next(): void {
    for (const job of this.#jobs.values()) {
      if (this.#closing || this.#runs.size >= this.#config.runningMax) return;
      if (job.running !== undefined || hasEnded(job.last)) continue;
      const run = this.#run(job);
      this.#runs.add(run);
      void run.finally(() => {
        this.#runs.delete(run);
        this.#next();
      });
    }
  }

  async #run(job: Job): Promise<void> {
    job.running = this.#create(job.spec);
    this.#log.info('load job started', { job: job.id });
    await job.running.run(job.stop.signal);
    const progress = job.running.progress();
    job.running = undefined;
    if (!this.#closing) this.#ended(job, progress);
  }

  #ended(job: Job, progress: LoadProgress): void {
    job.last = progress;
    const { state, why, loadedFiles, loadedBytes, failedFiles } = progress;
    this.#log.info('load job ended', { job: job.id, state, why, loadedFiles, loadedBytes, failedFiles });
    try {
      this.#save(job);
      this.#forgetOldest();
    } catch (err) {
      this.#log.warn('load job will be run again after a restart', { job: job.id, error: err });
    }
  }

  #forgetOldest(): void {
    const ended = [...this.#jobs.values()].filter((job) => hasEnded(job.last)).sort((a, b) => a.order - b.order);
    for (const job of ended.slice(0, Math.max(0, ended.length - this.#config.endedMax))) {
      rmSync(this.#path(job.id), { force: true });
      this.#jobs.delete(job.id);
    }
  }

  #save(job: Job): void {
    writeFileAtomic(this.#path(job.id), JSON.stringify(encodeLoadStatus(statusOf(job))), 0o600);
  }

  #path(id: string): string {
    return join(this.#config.folder, `${id}.json`);
  }

  #load(name: string): void {
    const path = join(this.#config.folder, name);
    try {
      const { id, spec, progress } = decodeLoadStatus(JSON.parse(readFileSync(path, 'utf8')));
      this.#add(id, spec, hasEnded(progress) ? progress : NO_PROGRESS);
    } catch (err) {
      this.#log.error('load job cannot be read and is left out', { file: path, error: err });
    }
  }
}

function statusOf(job: Job): LoadStatus {
  return { id: job.id, spec: job.spec, progress: job.running?.progress() ?? job.last };
}

function hasEnded(progress: LoadProgress): boolean {
  return progress.state !== 'waiting' && progress.state !== 'running';
}
