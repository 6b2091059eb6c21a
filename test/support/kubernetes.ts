// The cluster that `npm run cluster -- up` started, for tests: what is asked of it goes through kubectl, as a user would ask.
import assert from 'node:assert/strict';
import { assertUp } from '../../scripts/cluster/cluster.ts';
import { kubectlCommand } from '../../scripts/cluster/control-plane.ts';
import { Place } from '../../scripts/cluster/place.ts';
import { missingPrerequisites } from '../../scripts/cluster/prerequisites.ts';
import { attempt, run, until, type Outcome } from '../../scripts/cluster/run.ts';

export const place = new Place();

const POD_TIMEOUT_S = 120;

/** For a test's `skip` option: false, or the reason. Throws where REQUIRE_CLUSTER=1 and there is no cluster. */
export function requireCluster(): string | false {
  const missing = missingCluster();
  if (missing === undefined) return false;
  if (process.env['REQUIRE_CLUSTER'] === '1') {
    throw new Error(`Cannot test without a cluster (REQUIRE_CLUSTER=1): ${missing}`);
  }
  return `no cluster here: ${missing}`;
}

function missingCluster(): string | undefined {
  const missing = missingPrerequisites();
  if (missing.length > 0) return missing.join('; ');
  try {
    assertUp(place);
    return undefined;
  } catch (err) {
    return (err as Error).message;
  }
}

/** What it printed, without the last newline. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const command = await kubectlCommand(place, ...args);
  return (await run(command, { timeoutMs: (POD_TIMEOUT_S + 60) * 1000 })).trimEnd();
}

/** Whatever comes of it. */
export async function tryKubectl(...args: readonly string[]): Promise<Outcome> {
  return attempt(await kubectlCommand(place, ...args));
}

/** Resolves once kubectl prints what is expected. */
export async function untilPrints(
  expected: string | RegExp,
  args: readonly string[],
  timeoutMs: number,
): Promise<void> {
  let last = '';
  const isExpected = async (): Promise<boolean> => {
    const { stdout, stderr } = await tryKubectl(...args);
    last = stdout.trimEnd() || stderr;
    return typeof expected === 'string' ? last === expected : expected.test(last);
  };
  await until(`"kubectl ${args.join(' ')}" to print ${String(expected)}`, isExpected, timeoutMs).catch(
    (err: unknown) => {
      throw new Error(`${(err as Error).message}; the last time it was "${last}"`, { cause: err });
    },
  );
}

let made = 0;

/** A namespace of its own for a test; everything in it goes with it. */
export class Namespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async make(): Promise<Namespace> {
    const name = `test-${process.pid}-${(made += 1)}`;
    await kubectl('create', 'namespace', name);
    await untilPrints('serviceaccount/default', ['-n', name, 'get', 'serviceaccount', 'default', '-o', 'name'], 30_000);
    return new Namespace(name);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const command = await kubectlCommand(place, '-n', this.name, 'apply', '--filename', '-');
    await run(command, { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return kubectl('-n', this.name, ...args);
  }

  /** Resolves once the pods are ready. */
  async untilReady(...pods: readonly string[]): Promise<void> {
    const names = pods.map((pod) => `pod/${pod}`);
    await this.kubectl('wait', '--for=condition=Ready', ...names, `--timeout=${POD_TIMEOUT_S}s`);
  }

  exec(pod: string, ...command: readonly string[]): Promise<string> {
    return this.kubectl('exec', pod, '--', ...command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kubectl('delete', 'namespace', this.name, `--timeout=${POD_TIMEOUT_S}s`);
  }
}

export interface PodOptions {
  readonly image?: string;
  /** Default: it waits to be ended. */
  readonly command?: readonly string[] | 'of the image';
  /** Default: any. */
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** More of its only container. */
  readonly container?: object;
  readonly volumes?: readonly object[];
}

/** A pod of one container that ends at once when it is deleted. */
export function pod(name: string, options: PodOptions = {}): object {
  const { image = 'debian:bookworm-slim', command = ['sleep', 'infinity'], node, labels, container, volumes } = options;
  assert.match(name, /^[a-z0-9-]+$/);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      terminationGracePeriodSeconds: 0,
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [{ name: 'main', image, ...(command === 'of the image' ? {} : { command }), ...container }],
      volumes,
    },
  };
}
