// cache/rpc/master: what the master and those who ask it say to each other.
export {
  decodeFeedAnswer,
  encodeFeedAnswer,
  FEED_WAIT_MS_MAX,
  type FeedAnswer,
  type FeedPlace,
  type NameChange,
} from './change-feed.ts';
export { decodeEntries, EntryWriter, type WireEntry } from './entry-codec.ts';
export {
  decodeLoadSpec,
  decodeLoadStatus,
  encodeLoadSpec,
  encodeLoadStatus,
  NO_PROGRESS,
  type LoadFailure,
  type LoadProgress,
  type LoadSpec,
  type LoadState,
  type LoadStatus,
} from './load.ts';
export { decodeSummary, figure, type MasterSummary } from './summary.ts';
