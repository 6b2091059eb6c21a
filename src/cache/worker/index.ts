// cache/worker: the cache of one machine, served over HTTP to the clients of a runtime.
// The block store and what fills it are handed in; the master is only told that the worker is there.
export { WorkerError, type WorkerFault } from './errors.ts';
export { ensureWorkerId } from './identity.ts';
export { openWorker, type Worker, type WorkerConfig, type WorkerDeps } from './worker.ts';
