// Names of the objects a JuiceFSRuntime consists of.
import type { PartOf } from './labels.ts';

export const JUICEFS_ROLE = { worker: 'juicefs-worker', fuse: 'juicefs-fuse' } as const;
/** Containers are called like their roles. */
export const JUICEFS_CONTAINER = JUICEFS_ROLE;

export type JuiceFSPart = keyof typeof JUICEFS_ROLE;

export interface JuiceFSNames {
  readonly worker: string;
  readonly fuse: string;
  readonly workerScript: string;
  readonly fuseScript: string;
  readonly valuesConfigMap: string;
  /** ServiceAccount, Role and RoleBinding of DataLoads. */
  readonly loader: string;
}

export function juicefsNames(name: string): JuiceFSNames {
  return {
    worker: `${name}-worker`,
    fuse: `${name}-fuse`,
    workerScript: `${name}-worker-script`,
    fuseScript: `${name}-fuse-script`,
    valuesConfigMap: `${name}-juicefs-values`,
    loader: `${name}-loader`,
  };
}

export function juicefsPart(part: JuiceFSPart): PartOf {
  return { chart: 'juicefs', chartVersion: '0.2.16', role: JUICEFS_ROLE[part] };
}
