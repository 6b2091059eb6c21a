/**
 * An operating error: a code to switch on, the facts that go with it, a sentence for people, and the cause if any.
 * Each room derives its own class from this, with a union of its faults:
 *
 *     type HostFault = { code: 'not-mounted'; target: string } | { code: 'target-busy'; target: string; heldBy: string };
 *     class HostError extends Fault<HostFault> {}
 */
export class Fault<T extends { readonly code: string }> extends Error {
  readonly fault: T;

  constructor(message: string, fault: T, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.fault = fault;
  }

  /** The same place where errors of Node keep theirs. */
  get code(): T['code'] {
    return this.fault.code;
  }
}
