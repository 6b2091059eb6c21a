// cache/fill: reading through the block store to the under storage, each missing block fetched once.
export type { BlockFile, BlockSource } from './block-source.ts';
export type { FillClock } from './clock.ts';
export { openFill, type Fill, type FillConfig, type FillDeps, type FillStats } from './fill.ts';
export { ReadAhead, type ReadAheadConfig, type Range } from './read-ahead.ts';
export { SiblingAhead, type Sibling, type SiblingAheadConfig, type SiblingAheadDeps } from './sibling-ahead.ts';
