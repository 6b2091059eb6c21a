// The C library, bound once: every other file of the room takes `bind` from here.
//
// Invariant: a bound call returns what C returns; a negative result means errno() holds the reason until the next call.
// Variadic C functions (ioctl, fcntl, syscall) are declared with fixed arguments: the same registers on x86-64 and arm64 Linux.
import koffi from 'koffi';

const library = koffi.load(null);

/** Binds one C function by its prototype. `int64` stands for ssize_t, `uint64` for size_t. */
export function bind<F extends (...args: never[]) => unknown>(prototype: string): F {
  return library.func(prototype) as unknown as F;
}

/** The errno of the last bound call. Read it before any other bound call. */
export function errno(): number {
  return koffi.errno();
}

/** Anything a bound call takes as a pointer: bytes kept alive by the caller, an address, or null. */
export type Pointer = Uint8Array | bigint | null;

/** What a C string argument needs: the bytes and a NUL. */
export function cString(text: string | Uint8Array): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const out = Buffer.alloc(bytes.length + 1);
  out.set(bytes);
  return out;
}
