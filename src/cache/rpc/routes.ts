// What a route is given and what it may answer.

export interface RpcRequest {
  readonly query: URLSearchParams;
  /** Of a POST: what its JSON says, undefined when it has no body. */
  readonly body: unknown;
  /** Aborts when the caller has left, has waited too long, or the server closes. */
  readonly signal: AbortSignal;
}

export type RpcAnswer =
  | { readonly kind: 'json'; readonly value: unknown }
  /** One line of JSON per value, as they come; an error after the first line reaches the caller as that error. */
  | { readonly kind: 'lines'; readonly values: AsyncIterable<unknown> }
  /** Bytes, exactly so many where it is known. An error before the first is told; after it the connection is cut. */
  | { readonly kind: 'bytes'; readonly lengthBytes?: number; readonly write: (out: ByteWriter) => Promise<void> };

export interface ByteWriter {
  /** Resolves when the chunk was taken over by the kernel: its memory is the caller's again. Waiting for it is what bounds memory. */
  write(chunk: Buffer): Promise<void>;
}

export type RpcHandler = (request: RpcRequest) => RpcAnswer | Promise<RpcAnswer>;

/** "GET /v1/things" → what answers it. */
export type RpcRoutes = Readonly<Record<`${'GET' | 'POST'} /${string}`, RpcHandler>>;
