// cache/rpc: how the parts of the cache engine talk: HTTP, one token per runtime, everything bounded.
// Knows how to carry requests, answers and errors, not what they mean.
export { decodeBytes, encodeBytes } from './bytes.ts';
export { openRpcClient, type RpcCall, type RpcClient, type RpcClientConfig, type RpcClientDeps } from './client.ts';
export {
  DATA_BYTES_MAX,
  DATA_ROUTE,
  dataQuery,
  decodeDataQuery,
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  framedBytes,
  FrameReader,
  sealFrame,
  type DataRange,
} from './data-wire.ts';
export { decodeError, encodeError, isRecord, type WireError } from './error-codec.ts';
export { badAnswer, badConfig, badRequest, RpcError, type RpcFault } from './errors.ts';
export type { ByteWriter, RpcAnswer, RpcHandler, RpcRequest, RpcRoutes } from './routes.ts';
export { createRpcServer, type RpcServer, type RpcServerConfig, type RpcServerDeps } from './server.ts';
export { TokenFile } from './token.ts';
export {
  decodeClientReport,
  decodeWorkerAnswer,
  decodeWorkerReport,
  decodeWorkers,
  type ClientReport,
  type TransferCounts,
  type WorkerAnswer,
  type WorkerInfo,
  type WorkerReport,
} from './membership.ts';
