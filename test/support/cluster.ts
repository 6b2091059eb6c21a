// A runtime for tests: master, workers and clients as processes of their own on loopback, as containers would run them. Each
// can be killed and started again; at the end nothing of them is left.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { clearMount, type Scratch } from './mounts.ts';
import { statusOf } from './processes.ts';
import { until, within } from './wait.ts';

const BIN = fileURLToPath(new URL('../../bin/evermount.js', import.meta.url));
const END_MS = 20_000;

export const TOKEN = 'the-token-of-this-test-runtime';

/** A part of the runtime that answers /healthz and /metrics. */
export interface PartProcess {
  readonly name: string;
  /** "127.0.0.1:PORT". */
  readonly address: string;
  readonly args: readonly string[];
  child: ChildProcess | undefined;
}

export interface ClientProcess extends PartProcess {
  readonly target: string;
}

export interface ClusterOptions {
  readonly mounts: readonly object[];
  readonly workers: number;
  readonly clients: number;
  /** Where a worker keeps its data. Default: a folder of its own. */
  readonly tierOf?: (worker: number) => string;
  /** Clients get the mounts too, so that they can read from the storage itself. */
  readonly direct?: boolean;
  readonly masterOptions?: readonly string[];
  readonly clientOptions?: readonly string[];
}

export class Cluster implements AsyncDisposable {
  readonly master: PartProcess;
  readonly workers: readonly PartProcess[];
  readonly clients: readonly ClientProcess[];
  readonly metaDir: string;
  readonly tokenFile: string;
  readonly mountsFile: string;
  /** Where a worker keeps its data. */
  readonly tierOf: (worker: number) => string;
  readonly #scratch: Scratch;
  readonly state: string;

  private constructor(scratch: Scratch, options: ClusterOptions, ports: readonly number[]) {
    const address = (at: number): string => `127.0.0.1:${String(ports[at])}`;
    this.#scratch = scratch;
    this.state = scratch.at('state');
    this.metaDir = scratch.at('meta');
    this.tierOf = options.tierOf ?? ((worker) => scratch.at(`tier-${worker}`));
    this.tokenFile = scratch.at('token');
    this.mountsFile = scratch.at('mounts.json');
    const common = ['--token-file', this.tokenFile, '--metrics', 'open'];
    const mounts = ['--mounts', this.mountsFile];
    const master = address(0);
    this.master = {
      name: 'master',
      address: master,
      args: [
        'master',
        '--listen',
        master,
        '--meta-dir',
        this.metaDir,
        ...mounts,
        ...common,
        ...(options.masterOptions ?? []),
      ],
      child: undefined,
    };
    this.workers = Array.from({ length: options.workers }, (_, at) => {
      const listen = address(1 + at);
      const tier = `SSD:${this.tierOf(at)}:48MiB`;
      return {
        name: `worker-${at}`,
        address: listen,
        args: ['worker', '--listen', listen, '--master', master, '--tier', tier, ...mounts, ...common],
        child: undefined,
      };
    });
    this.clients = Array.from({ length: options.clients }, (_, at) => {
      const listen = address(1 + options.workers + at);
      const target = scratch.at(`client-${at}`);
      const own = [
        '--cache-dir',
        scratch.at('cache'),
        '--listen',
        listen,
        '--memory',
        '16MiB',
        '--recover-deadline',
        '20s',
      ];
      const storage = options.direct === true ? mounts : [];
      return {
        name: `client-${at}`,
        address: listen,
        target,
        args: ['fuse', '--master', master, ...own, ...storage, ...common, ...(options.clientOptions ?? []), target],
        child: undefined,
      };
    });
  }

  /** Everything runs and every client can be read when it resolves. */
  static async start(scratch: Scratch, options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(scratch, options, await freePorts(1 + options.workers + options.clients));
    writeFileSync(cluster.tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    writeFileSync(cluster.mountsFile, JSON.stringify(options.mounts));
    for (let at = 0; at < options.workers; at++) mkdirSync(cluster.tierOf(at), { recursive: true });
    for (const { target } of cluster.clients) mkdirSync(target);
    try {
      await Promise.all([cluster.master, ...cluster.workers].map((part) => cluster.start(part)));
      await until(
        'the workers',
        async () => (await cluster.metric(cluster.master, 'evermount_master_workers')) === options.workers,
      );
      await Promise.all(cluster.clients.map((client) => cluster.start(client)));
      for (const client of cluster.clients)
        await until(
          'the client to follow',
          async () => (await cluster.metric(client, 'evermount_fuse_following')) === 1,
        );
      return cluster;
    } catch (err) {
      await cluster[Symbol.asyncDispose]();
      throw err;
    }
  }

  /** Resolves when it answers. */
  async start(part: PartProcess): Promise<void> {
    const log = openSync(this.#scratch.at(`${part.name}.log`), 'a');
    const env = { ...process.env, EVERMOUNT_STATE_DIR: this.state };
    const child = spawn(process.execPath, [BIN, ...part.args], { stdio: ['ignore', log, log], cwd: '/', env });
    closeSync(log);
    part.child = child;
    await until(
      `${part.name} to answer`,
      async () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`Cannot start ${part.name}: ${this.log(part).slice(-2000)}`);
        return isHealthy(part);
      },
      60_000,
    );
  }

  /** By SIGKILL; it is certainly gone afterwards. */
  async kill(part: PartProcess): Promise<void> {
    await this.stop(part, 'SIGKILL');
  }

  /** Returns the exit status. */
  async stop(part: PartProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { child } = part;
    if (child === undefined) return null;
    part.child = undefined;
    child.kill(signal);
    return (await within(END_MS, `the end of ${part.name}`, statusOf(child))).status;
  }

  /** The sum of all series of a metric; undefined while there is none or it does not answer. */
  async metric(part: PartProcess, name: string): Promise<number | undefined> {
    const answer = await fetch(`http://${part.address}/metrics`, { signal: AbortSignal.timeout(5000) }).catch(
      () => undefined, // not listening
    );
    const lines = (await answer?.text())
      ?.split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    if (lines === undefined || lines.length === 0) return undefined;
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** What a process wrote on its standard error. */
  log(part: PartProcess): string {
    const path = this.#scratch.at(`${part.name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) {
      await this.stop(client).catch(() => {}); // cleared below
      await clearMount(client.target, this.state).catch(() => {}); // what is left is told by the removal of the folder
    }
    for (const part of [this.master, ...this.workers]) await this.stop(part, 'SIGKILL');
  }
}

async function isHealthy({ address }: PartProcess): Promise<boolean> {
  const answer = await fetch(`http://${address}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(
    () => undefined, // not listening yet
  );
  return answer?.ok === true;
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
