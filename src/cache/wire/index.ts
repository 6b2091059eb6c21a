// cache/wire: HTTP/1.1 requests whose answers are given on as they come, without a copy and without an allocation per read.
// For GET and HEAD only; who calls says what an answer means and what is tried again.
export { AnswerDecoder, type AnswerHeaders, type AnswerTaker } from './answer-decoder.ts';
export type { Address, Exchange } from './connection.ts';
export { WireError, type WireFault } from './errors.ts';
export { Pool } from './pool.ts';
