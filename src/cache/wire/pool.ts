// Connections to one server, kept for the next exchange. The one used last is used next, so that those not needed grow old
// together.
import { Connection, type Address, type Exchange } from './connection.ts';

export class Pool {
  readonly #address: Address;
  readonly #connectionsMax: number;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #waiting: (() => void)[] = [];

  constructor(address: Address, connectionsMax: number) {
    this.#address = address;
    this.#connectionsMax = connectionsMax;
  }

  /** `fresh`: by a connection that is made for it. See Connection.run for what it throws. */
  async run(exchange: Exchange, fresh: boolean): Promise<void> {
    while (this.#busy >= this.#connectionsMax) await this.#turn(exchange.signal);
    exchange.signal?.throwIfAborted();
    const connection = (fresh ? undefined : this.#idle.pop()) ?? this.#connect();
    try {
      await connection.run(exchange);
    } finally {
      if (!connection.isClosed) this.#idle.push(connection);
      this.#waiting.shift()?.();
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  get #busy(): number {
    return this.#all.size - this.#idle.length;
  }

  #connect(): Connection {
    const connection = new Connection(this.#address, (closed) => {
      this.#all.delete(closed);
      const at = this.#idle.indexOf(closed);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    this.#all.add(connection);
    return connection;
  }

  /** Until somebody is done: those who have a connection have a deadline. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const mine = (): void => resolve(undefined);
    const abort = (): void => {
      const at = this.#waiting.indexOf(mine);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#waiting.shift()?.(); // it was our turn: somebody else's now
      reject(signal?.reason as Error);
    };
    this.#waiting.push(mine);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
