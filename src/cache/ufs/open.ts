// From what a dataset mounts to one under storage: each storage loaded on first use, tried again when it fails, and put in
// its place. Nobody else says which scheme is served by what.
import type { UfsDeps } from './deps.ts';
import type { MountSpec } from './mount-spec.ts';
import { schemeOf, type Scheme } from './mount-point.ts';
import { MountTable } from './mount-table.ts';
import { RetryingUfs } from './retry.ts';
import type { Ufs } from './ufs.ts';
import { WholeMount } from './whole-mount.ts';

type Open = (spec: MountSpec, deps: UfsDeps) => Promise<Ufs>;

const openLocal: Open = async (spec, deps) => (await import('./local/index.ts')).openLocal(spec, deps);
const openS3: Open = async (spec, deps) => (await import('./s3/index.ts')).openS3(spec, deps);
const openHttp: Open = async (spec) => (await import('./http/index.ts')).openHttp(spec);

const OPEN: Record<Scheme, Open> = {
  local: openLocal,
  pvc: openLocal,
  s3: openS3,
  oss: openS3,
  http: openHttp,
  https: openHttp,
};

/**
 * All mounts as one storage, which closes them at its end. Throws UfsError 'bad-config', and 'not-found' for a folder of this
 * machine that is not there; what is reached over a network is not asked yet.
 */
export async function openUfs(mounts: readonly MountSpec[], deps: UfsDeps): Promise<Ufs> {
  const opened: { path: string; ufs: Ufs }[] = [];
  try {
    for (const spec of mounts) {
      const ufs = await OPEN[schemeOf(spec.mountPoint)](spec, deps);
      opened.push({ path: spec.path, ufs: new RetryingUfs(ufs) });
    }
    const [only] = opened;
    return only?.path === '/' && opened.length === 1 ? new WholeMount(only.ufs) : new MountTable(opened);
  } catch (err) {
    await Promise.all(opened.map(({ ufs }) => ufs.close()));
    throw err;
  }
}
