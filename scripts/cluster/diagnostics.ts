// What is needed to understand a failure after the cluster has gone, in one folder.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubectlCommand } from './control-plane.ts';
import { firstProcess, onNode } from './node.ts';
import { nodeName, NODES, type NodeNumber, type Place } from './place.ts';
import { recordedNames } from './processes.ts';
import { attempt } from './run.ts';

const TIMEOUT_MS = 30_000;

/** A file for each question put to the API server. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  'get-all.txt': [
    'get',
    'nodes,pods,services,daemonsets,statefulsets,deployments,pv,pvc,csidrivers',
    '-A',
    '-o',
    'wide',
  ],
  'events.txt': ['get', 'events', '-A', '--sort-by=.lastTimestamp'],
  'describe-nodes.txt': ['describe', 'nodes'],
  'describe-pods.txt': ['describe', 'pods', '-A'],
  'describe-volumes.txt': ['describe', 'pv,pvc', '-A'],
  'pods.yaml': ['get', 'pods', '-A', '-o', 'yaml'],
  'api-resources.txt': ['api-resources', '--api-group=data.fluid.io'],
  'datasets.yaml': ['get', 'datasets,jindoruntimes,juicefsruntimes,dataloads', '-A', '-o', 'yaml'],
};

/** The folder. What cannot be had is told in the file it would be in: no failure here may hide the one that is examined. */
export async function collectDiagnostics(place: Place): Promise<string> {
  const into = mkdtempSync(join(tmpdir(), 'evermount-cluster-diagnostics-'));
  writeFileSync(join(into, 'processes.txt'), `${recordedNames(place).join('\n')}\n`);
  writeFileSync(join(into, 'mountinfo-machine.txt'), readFileSync('/proc/self/mountinfo'));
  copy(place.at('log'), join(into, 'log'));
  await Promise.all([
    ...Object.entries(QUESTIONS).map(async ([file, question]) => {
      await save(join(into, file), await kubectlCommand(place, '--request-timeout=20s', ...question));
    }),
    ...NODES.map((node) => collectNode(place, node, into)),
  ]);
  return into;
}

async function collectNode(place: Place, node: NodeNumber, into: string): Promise<void> {
  const folder = join(into, nodeName(node));
  mkdirSync(folder);
  copy(place.atNode(node, '/var/log/pods'), join(folder, 'pods'));
  try {
    writeFileSync(join(folder, 'mountinfo.txt'), readFileSync(`/proc/${firstProcess(place, node)}/mountinfo`));
    await save(join(folder, 'processes.txt'), [...onNode(place, node), 'ps', '-eo', 'pid,ppid,stat,wchan:20,args']);
    await save(join(folder, 'iptables.txt'), [...onNode(place, node), 'iptables-save']);
    await save(join(folder, 'addresses.txt'), [...onNode(place, node), 'ip', 'address']);
  } catch (err) {
    writeFileSync(join(folder, 'error.txt'), `${(err as Error).message}\n`);
  }
}

async function save(path: string, command: readonly string[]): Promise<void> {
  const { stdout, stderr, status } = await attempt(command, { timeoutMs: TIMEOUT_MS });
  writeFileSync(path, status === 0 ? stdout : `${stdout}\n${command.join(' ')}: ${stderr} (${status})\n`);
}

function copy(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true, errorOnExist: false });
}
