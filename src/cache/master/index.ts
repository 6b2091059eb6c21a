// cache/master: the names of a dataset, who is alive, and load jobs, over HTTP.
export { Accounting, type Ratios } from './accounting.ts';
export { cacheRoutes, type CacheRoutesDeps } from './cache-routes.ts';
export { MasterError, type MasterFault } from './errors.ts';
export { evictBelow, type Evict } from './evict-below.ts';
export { LoadJob, refreshPath, type LoadJobConfig, type LoadJobDeps } from './load-job.ts';
export { LoadJobs, type LoadJobsConfig } from './load-jobs.ts';
export { openMaster, type Master, type MasterConfig, type MasterDeps, type WorkerActions } from './master.ts';
export type { Names } from './names.ts';
