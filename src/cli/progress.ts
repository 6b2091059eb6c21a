// Progress for whoever watches: one line redrawn on a terminal, a line now and then elsewhere.

export interface Progress {
  show(line: string): void;
  /** Leaves the terminal as it should be found. */
  end(): void;
}

const REDRAW_MS = 100;
const LINE_EVERY_MS = 5_000;

export function openProgress(out: NodeJS.WriteStream): Progress {
  const everyMs = out.isTTY ? REDRAW_MS : LINE_EVERY_MS;
  let shownMs = -Infinity;
  return {
    show: (line) => {
      const nowMs = performance.now();
      if (nowMs - shownMs < everyMs) return;
      shownMs = nowMs;
      out.write(out.isTTY ? `\r\x1b[K${line.slice(0, out.columns - 1)}` : `${line}\n`);
    },
    end: () => {
      if (out.isTTY) out.write('\r\x1b[K');
    },
  };
}
