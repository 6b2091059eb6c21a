// Findings for people: a mark, a subject, what it means; below it what to do.
import type { Finding, Level } from './finding.ts';

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok  ', warn: 'WARN', bad: 'BAD ' };
const COLOURS: Readonly<Record<Level, string>> = { ok: '\x1b[32m', warn: '\x1b[33m', bad: '\x1b[31m' };
const PLAIN = '\x1b[0m';

export function formatFindings(title: string, findings: readonly Finding[], colour: boolean): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const lines = findings.flatMap(({ level, subject, means, advice }) => {
    const mark = colour ? `${COLOURS[level]}${MARKS[level]}${PLAIN}` : MARKS[level];
    const line = `  ${mark}  ${subject.padEnd(width)}  ${means}`;
    return advice === undefined ? [line] : [line, `${' '.repeat(width + 10)}-> ${advice}`];
  });
  return `${title}\n${lines.join('\n')}\n`;
}
