// Files found by name a moment ago, held so that they can still be opened once something else has their name.
//
// The kernel looks a name up, then opens what it found. Where files are renamed over all the time, the file may have lost its
// name in between; the kernel then tries once more, and so must not meet the same again. Only used while that happens.
import { file } from '../../libc/index.ts';
import type { NodeIndex, NodeNames } from '../../fuse/session/index.ts';

const PINS_MAX = 64;
const WHILE_MS = 2_000;

export class Pins {
  readonly #pins: { fd: number; key: Uint32Array }[] = [];
  #untilMs = 0;

  /** An open met a name that stands for another file by now: for a while, hold what is looked up. */
  begin(): void {
    this.#untilMs = performance.now() + WHILE_MS;
  }

  get isOn(): boolean {
    if (this.#untilMs === 0) return false;
    if (performance.now() < this.#untilMs) return true;
    this.#untilMs = 0;
    for (const { fd } of this.#pins.splice(0)) file.close(fd);
    return false;
  }

  /** Takes over the O_PATH descriptor of the object with this key. */
  hold(fd: number, key: Uint32Array): void {
    this.#pins.push({ fd, key: key.slice() });
    if (this.#pins.length > PINS_MAX) file.close(this.#pins.shift()?.fd ?? -1);
  }

  /** The O_PATH descriptor of the node's object if it is held; else -1. It stays the pins' own. */
  find(node: NodeIndex, nodes: NodeNames): number {
    if (!this.isOn) return -1;
    return this.#pins.findLast(({ key }) => nodes.hasKey(node, key))?.fd ?? -1;
  }

  /** A fresh descriptor, for reading, of the node's object if it is held; else -1. */
  reopen(node: NodeIndex, nodes: NodeNames, flags: number): number {
    const fd = this.find(node, nodes);
    return fd < 0 ? -1 : file.openat2(file.AT_FDCWD, Buffer.from(`/proc/self/fd/${fd}\0`), flags, 0);
  }
}
