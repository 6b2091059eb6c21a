// Numbers and tables for people. Nothing reads these back.

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `0 B`, `1023 B`, `1.5 KiB`, `20 GiB`: binary units, one decimal below ten. Never rounds up. */
export function formatBytes(sizeBytes: number | bigint): string {
  let size = Number(sizeBytes);
  let unit = 0;
  while (size >= 1024 && unit < BINARY_UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${floorBelowTen(size)} ${BINARY_UNITS[unit] ?? ''}`;
}

/** `0.4ms`, `850ms`, `12.3s`, `2m05s`, `3h07m`, `4d03h`: the two leading units. Never rounds up. */
export function formatDuration(durationMs: number): string {
  const seconds = durationMs / 1000;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 1) return `${floorBelowTen(durationMs)}ms`;
  if (minutes < 1) return `${Math.floor(seconds * 10) / 10}s`;
  if (hours < 1) return `${minutes}m${twoDigits(Math.floor(seconds) % 60)}s`;
  if (days < 1) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${days}d${twoDigits(hours % 24)}h`;
}

export type Column<Row> = {
  title: string;
  text: (row: Row) => string | number | bigint;
  /** Default `left`. */
  align?: 'left' | 'right';
};

/** Aligned plain text: a line of titles, a line per row, two spaces between columns, no final newline. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((it) => String(it.text(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  return lines.map((cells) => formatLine(cells, widths, columns)).join('\n');
}

function formatLine(cells: readonly string[], widths: readonly number[], columns: readonly Column<never>[]): string {
  const padded = cells.map((cell, at) =>
    columns[at]?.align === 'right' ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
  );
  return padded.join('  ').trimEnd();
}

function floorBelowTen(value: number): number {
  return value < 10 ? Math.floor(value * 10) / 10 : Math.floor(value);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
