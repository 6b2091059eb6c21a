// What is measured, against what it is held, and the table of it.
import { formatTable, type Column } from '../../src/base/index.ts';
import { number, type Row } from '../report.ts';
import { CLIENTS } from './setting.ts';

interface Case {
  name: string;
  title: string;
  unit: string;
  baseline: 'raw' | 'local';
  ratioAtLeast?: number;
}

const cold = { baseline: 'raw', ratioAtLeast: 0.9 } as const;
const warm = { baseline: 'local', ratioAtLeast: 0.95 } as const;

export const CASES = [
  { name: 'sequential-cold', title: 'sequential, cold', unit: 'MiB/s', ...cold },
  { name: 'streams-cold', title: '4 streams, cold', unit: 'MiB/s', ...cold },
  { name: 'sequential-warm', title: 'sequential, warm in memory', unit: 'MiB/s', ...warm },
  { name: 'sequential-disk', title: 'sequential, warm on disk', unit: 'MiB/s', ...warm },
  { name: 'random-warm', title: 'random 4 KiB, warm in memory', unit: 'reads/s', ...warm },
  { name: 'random-disk', title: 'random 4 KiB, warm on disk', unit: 'reads/s', ...warm },
  { name: 'small-cold', title: 'small files, cold', unit: 'files/s', ...cold },
  { name: 'small-cold-4', title: 'small files, 4 readers, cold', unit: 'files/s', ...cold },
  { name: 'small-warm', title: 'small files, warm in memory', unit: 'files/s', ...warm },
  { name: 'small-disk', title: 'small files, warm on disk', unit: 'files/s', ...warm },
  { name: 'find-cold', title: 'find, cold', unit: 'files/s', baseline: 'raw', ratioAtLeast: 1 / 1.2 },
  { name: 'find-warm', title: 'find, warm', unit: 'files/s', ...warm },
] as const satisfies readonly Case[];

export type CaseName = (typeof CASES)[number]['name'];

interface Line {
  title: string;
  unit: string;
  values: Map<string, number | null>;
}

/** One line for each case, one column for each that took part, then the ratios and who was first. */
export function tableOf(rows: readonly Row[]): string {
  const lines = CASES.map(({ name, title, unit }): Line => {
    const ofCase = rows.filter((row) => row.case === name);
    return { title, unit, values: new Map(ofCase.map(({ subject = '', value }) => [subject, value])) };
  });
  const value = (line: Line, subject: string): number | null => line.values.get(subject) ?? null;
  const column = (subject: string): Column<Line> => ({
    title: subject.toUpperCase(),
    text: (line) => number(value(line, subject)),
    align: 'right',
  });
  const ratio = (subject: string): Column<Line> => ({
    title: `/${subject.toUpperCase()}`,
    text: (line) => number(quotient(value(line, 'evermount'), value(line, subject))),
    align: 'right',
  });
  return formatTable(lines, [
    { title: 'DATASETS', text: (line) => line.title },
    { title: 'UNIT', text: (line) => line.unit },
    ...[...CLIENTS, 'raw', 'local'].map(column),
    ratio('raw'),
    ratio('local'),
    { title: 'FIRST', text: (line) => firstOf(line) },
  ]);
}

/** Of the clients; raw and local are no clients. */
function firstOf({ values }: Line): string {
  const ranked = CLIENTS.filter((name) => (values.get(name) ?? 0) > 0).toSorted(
    (a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0),
  );
  return ranked[0] ?? '';
}

function quotient(value: number | null, baseline: number | null): number | null {
  return value === null || baseline === null || baseline === 0 ? null : value / baseline;
}
