// cache/blocks: bytes of objects on local tiers.
export {
  BLOCK_BYTES,
  type BlockStore,
  type Segment,
  type SegmentId,
  type SegmentInfo,
  type StoreUsage,
  type TierUsage,
} from './block-store.ts';
export { GrainSums } from './block-format.ts';
export { BlocksError, type BlocksFault } from './errors.ts';
export { openBlockStore, type BlockStoreConfig, type BlockStoreDeps, type TierConfig } from './open.ts';
