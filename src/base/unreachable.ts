/** Closes a switch over a union: does not compile while a case is missing, and throws if a value lied about its type. */
export function unreachable(value: never): never {
  throw new Error(`Cannot handle "${String(value)}": no case for it`);
}
