// cache/namespace: names, attributes and versions, kept in LMDB.
export { NamespaceError, type NamespaceFault } from './errors.ts';
export type { RefreshPolicy } from './freshness.ts';
export {
  ROOT_INO,
  type Change,
  type Entry,
  type Eventually,
  type GiveEntry,
  type Namespace,
  type Totals,
} from './namespace.ts';
export { openNamespace, type NamespaceConfig, type NamespaceDeps, type OpenNamespace } from './open.ts';
