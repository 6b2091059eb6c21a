// The cache tier of a runtime in numbers. Of several levels the first is used.
import type { Rule } from './kind.ts';
import { isQuantity, parseQuantity } from './quantity.ts';
import type { Level, TieredStore } from './runtime.ts';

/** Between the paths of a level. Fluid has one for each runtime. */
export type PathSeparator = ',' | ':';

export interface TierPath {
  readonly path: string;
  /** Absent where the level says nothing of it. */
  readonly quotaBytes?: number;
}

/** A quota is divided evenly among the paths; a list of quotas has one for each. */
export function tierPaths({ path, quota, quotaList }: Level, separator: PathSeparator): TierPath[] {
  const paths = (path ?? '').split(separator).map((it) => it.trim());
  const quotas = quotaList?.split(',').map((it) => Number(parseQuantity(it)));
  const even = quota === undefined ? undefined : Math.floor(Number(parseQuantity(quota)) / paths.length);
  return paths.map((it, at) => {
    const quotaBytes = quotas?.[at] ?? even;
    return quotaBytes === undefined ? { path: it } : { path: it, quotaBytes };
  });
}

type Tiered = { readonly tieredstore?: TieredStore };

export function quotaListRule(separator: PathSeparator): Rule<Tiered> {
  return {
    path: 'spec.tieredstore.levels',
    what: 'a level has a quotaList that is not one quota for each path',
    fix: `write as many quotas, separated by ",", as there are paths, separated by "${separator}"; or one for all as quota`,
    holds: ({ spec }) =>
      (spec.tieredstore?.levels ?? []).every(
        ({ quotaList, path }) =>
          quotaList === undefined ||
          (quotaList.split(',').length === (path ?? '').split(separator).length &&
            quotaList.split(',').every(isQuantity)),
      ),
  };
}

export const watermarkRule: Rule<Tiered> = {
  path: 'spec.tieredstore.levels',
  what: 'a level has a watermark (high or low) that is no part of the whole',
  fix: 'write it as a number from 0 to 1 in quotes, such as "0.95"',
  holds: ({ spec }) =>
    (spec.tieredstore?.levels ?? []).every(({ high, low }) =>
      [high, low].every((it) => (it ?? '') === '' || isPart(it)),
    ),
};

function isPart(text: string | undefined): boolean {
  return /^(\d+(\.\d*)?|\.\d+)$/.test(text ?? '') && Number(text) <= 1;
}
