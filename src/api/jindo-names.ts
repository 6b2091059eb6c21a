// Names of the objects a JindoRuntime consists of.
import type { PartOf } from './labels.ts';
import type { DatasetKey } from './names.ts';

export const JINDO_ROLE = { master: 'jindofs-master', worker: 'jindofs-worker', fuse: 'jindofs-fuse' } as const;
/** Containers are called like their roles. */
export const JINDO_CONTAINER = JINDO_ROLE;

export type JindoPart = keyof typeof JINDO_ROLE;

export const JINDO_PORT = { masterRpc: 8101, workerRpc: 6101, raft: 8103, metrics: 10001 } as const;

export interface JindoNames {
  readonly master: string;
  /** One for each master: pod and headless service have the same name. */
  readonly masterPods: readonly string[];
  readonly worker: string;
  readonly fuse: string;
  readonly valuesConfigMap: string;
  readonly config: string;
  readonly clientConfig: string;
}

/** Anything but three masters is one. */
export function jindoMasters(replicas: number | undefined): 1 | 3 {
  return replicas === 3 ? 3 : 1;
}

export function jindoNames(name: string, masters: 1 | 3 = 1): JindoNames {
  const master = `${name}-jindofs-master`;
  return {
    master,
    masterPods: Array.from({ length: masters }, (_, at) => `${master}-${at}`),
    worker: `${name}-jindofs-worker`,
    fuse: `${name}-jindofs-fuse`,
    valuesConfigMap: `${name}-jindocache-values`,
    config: `${name}-jindofs-config`,
    clientConfig: `${name}-jindofs-client-config`,
  };
}

export function jindoPart(part: JindoPart): PartOf {
  return { chart: 'jindofs', chartVersion: '1.0.5', role: JINDO_ROLE[part] };
}

/** What a Dataset's status calls the address of the master. `N/A` without one. */
export function jindoEndpoint({ namespace, name }: DatasetKey, rpcPort: number): string {
  return `${jindoNames(name).masterPods[0] ?? ''}.${namespace}:${rpcPort}`;
}
