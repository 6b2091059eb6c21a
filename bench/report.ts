// What a bench hands back, and how it is shown: a table for people, JSON for programs.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { formatTable } from '../src/base/index.ts';

export interface Row {
  name: string;
  /** Null where it could not be measured; the bench says why on standard error. */
  value: number | null;
  unit: string;
  /** What the value is compared with, measured in the same run and the same unit. */
  baseline: number | null;
  ratio: number | null;
  /** What is to be reached, as a sentence of one sign: "<= 5", "ratio >= 0.95". */
  goal: string | null;
  met: boolean | null;
  /** Of rows that measure the same of several: what, and whose. */
  case?: string;
  subject?: string;
}

export interface Report {
  bench: string;
  machine: Machine;
  rows: Row[];
}

interface Machine {
  cpu: string;
  cpus: number;
  memoryGiB: number;
  kernel: string;
  node: string;
}

export type Goal = { atMost: number } | { ratioAtLeast: number };

/** A row of the report; ratio and met follow from the rest. */
export function row(
  name: string,
  value: number | null,
  unit: string,
  baseline: number | null = null,
  goal?: Goal,
): Row {
  const ratio = value === null || baseline === null || baseline === 0 ? null : value / baseline;
  const line = { name, value, unit, baseline, ratio };
  if (goal === undefined) return { ...line, goal: null, met: null };
  if ('atMost' in goal) {
    return { ...line, goal: `<= ${goal.atMost}`, met: value === null ? null : value <= goal.atMost };
  }
  return {
    ...line,
    goal: `ratio >= ${goal.ratioAtLeast}`,
    met: ratio === null ? null : ratio >= goal.ratioAtLeast,
  };
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? cpuOfArm(),
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

function cpuOfArm(): string {
  const found = /^(?:model name|Hardware)\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return found?.[1] ?? process.arch;
}

/** The report for a person: the table, by default a line for each row, and the machine. */
export function toText({ bench, machine, rows }: Report, table = lineForEach(bench, rows)): string {
  const { cpu, cpus: count, memoryGiB, kernel, node } = machine;
  return `${table}\n\n${count} x ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}\n`;
}

function lineForEach(bench: string, rows: readonly Row[]): string {
  return formatTable(rows, [
    { title: bench.toUpperCase(), text: (each) => each.name },
    { title: 'VALUE', text: (each) => number(each.value), align: 'right' },
    { title: 'UNIT', text: (each) => each.unit },
    { title: 'BASELINE', text: (each) => number(each.baseline), align: 'right' },
    { title: 'RATIO', text: (each) => number(each.ratio), align: 'right' },
    { title: 'GOAL', text: (each) => each.goal ?? '' },
    { title: 'MET', text: (each) => (each.met === null ? '' : each.met ? 'yes' : 'NO') },
  ]);
}

/** As many digits as tell something. */
export function number(value: number | null): string {
  if (value === null) return '';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value.toLocaleString('en-US', {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 1000 ? 1 : 0,
  });
}
