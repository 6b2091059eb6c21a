// Disks that are small, full or wrong.
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './command-line.ts';

/** A memory file system of so many MiB at a folder, which is made. Root only. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(path: string, sizeMib: number): Promise<SmallDisk> {
    mkdirSync(path, { mode: 0o700 });
    const { status, stderr } = await runProgram('mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${sizeMib}m,mode=0700`,
      'tmpfs',
      path,
    ]);
    assert.equal(status, 0, stderr);
    return new SmallDisk(path);
  }

  /** Takes what space is left, until the returned function is called. */
  fill(): () => void {
    const path = join(this.path, 'filled-by-somebody-else');
    const fd = openSync(path, 'w');
    const some = Buffer.alloc(1024 * 1024);
    assert.throws(() => {
      for (;;) writeSync(fd, some);
    }, /ENOSPC/);
    closeSync(fd);
    return () => rmSync(path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram('umount', ['--lazy', this.path]);
  }
}

/** Flips a bit in the middle of the largest file below the folder whose name is `wanted`. Returns its path. */
export function flipOneBit(folder: string, wanted: (name: string) => boolean): string {
  const found = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, sizeBytes: statSync(path).size }))
    .sort((a, b) => b.sizeBytes - a.sizeBytes)[0];
  assert.ok(found !== undefined, `there is a file to damage below ${folder}`);
  const at = Math.floor(found.sizeBytes / 2);
  const fd = openSync(found.path, 'r+');
  const one = Buffer.alloc(1);
  readSync(fd, one, 0, 1, at);
  one[0] = (one[0] ?? 0) ^ 0x10;
  writeSync(fd, one, 0, 1, at);
  closeSync(fd);
  return found.path;
}
