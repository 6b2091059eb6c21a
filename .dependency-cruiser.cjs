// Which room of src/ may import which. docs/ARCHITECTURE.md explains the rooms; this file enforces them.
// Paths are relative to the current folder, so test/contract/dependency-rules.test.ts runs these very rules
// inside test/fixtures/bad-imports/, where every rule has a file that breaks it.

// One row per room, listing the rooms it may import. A row for a sub-folder narrows the row of its room.
const MAY_IMPORT = {
  base: [],
  api: ['base'],
  libc: ['base'],
  host: ['base', 'libc'],
  fuse: ['base', 'libc'],
  'fuse/protocol': ['base'],
  cache: ['base', 'libc'],
  'cache/wire': ['base'],
  'cache/ufs': ['base', 'libc', 'cache/wire'],
  'cache/blocks': ['base', 'libc', 'cache/ufs'],
  'cache/fill': ['base', 'libc', 'cache/ufs', 'cache/blocks'],
  'cache/namespace': ['base', 'cache/ufs'],
  'cache/rpc': ['base', 'cache/ufs'],
  'cache/master': ['base', 'cache/rpc', 'cache/ufs', 'cache/namespace'],
  'cache/worker': ['base', 'cache/rpc', 'cache/ufs', 'cache/blocks', 'cache/fill'],
  'cache/client': ['base', 'cache/rpc', 'cache/ufs', 'cache/fill', 'cache/namespace'],
  filesystems: ['base', 'libc', 'fuse', 'cache'],
  'filesystems/localfs': ['base', 'libc', 'fuse'],
  'filesystems/dummyfs': ['base', 'fuse'],
  recovery: ['base', 'libc', 'host', 'fuse'],
  cli: ['base', 'api', 'libc', 'host', 'fuse', 'cache', 'filesystems', 'recovery'],
};

const UNKNOWN_ROOM = `^src/(?!(${Object.keys(MAY_IMPORT).join('|')})/)`;
const TEST = '[.]test[.]ts$';

const anyOf = (names) => `^src/(${names.join('|')})/`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    ...Object.entries(MAY_IMPORT).map(([room, below]) =>
      rule(
        `room ${room}`,
        `src/${room} imports only ${below.join(', ') || 'nothing'}. Move the code down, or pass it in.`,
        { path: anyOf([room]) },
        { path: '^src/', pathNot: anyOf([room, ...below]) },
      ),
    ),
    rule(
      'through the door',
      'From another room import an index.ts; export it there if it is meant to be used.',
      { path: '^src/([^/]+)/' },
      { path: '^src/', pathNot: ['^src/$1/', '/index[.]ts$'] },
    ),
    rule(
      'through the door, cache',
      'The rooms within cache have doors of their own: import the index.ts, so that nobody loads what it does not use.',
      { path: '^src/cache/([^/]+)/', pathNot: TEST },
      { path: '^src/cache/', pathNot: ['^src/cache/$1/', '/index[.]ts$'] },
    ),
    rule(
      'koffi only in libc',
      'Only src/libc talks to native code. Add the call there and import it.',
      { path: '^src/', pathNot: ['^src/libc/', TEST] },
      { path: '(^|node_modules/)(@koromix/)?koffi' },
    ),
    rule(
      'no AWS SDK',
      'The program speaks S3 without the SDK: docs/adr/0008. Tests may use it.',
      { path: '^src/', pathNot: TEST },
      { path: '(^|node_modules/)@(aws-sdk|smithy)/' },
    ),
    rule(
      'LMDB only in cache/namespace',
      'Only src/cache/namespace opens the database. Use the Namespace interface.',
      { path: '^src/', pathNot: ['^src/cache/namespace/', TEST] },
      { path: '(^|node_modules/)lmdb(/|$)' },
    ),
    rule(
      'child_process only in host',
      'Only src/host starts processes. Ask it, or take the function as an argument.',
      { path: '^src/', pathNot: ['^src/host/', TEST] },
      { path: '^(node:)?child_process$' },
    ),
    rule(
      'pure',
      'The API, the wire protocol and plans do no I/O: take values, return values.',
      { path: '^src/(api/|fuse/protocol/|.+[.]plan[.]ts$)', pathNot: TEST },
      { dependencyTypes: ['core'], pathNot: '^(node:)?(assert|assert/strict|buffer|util)$' },
    ),
    rule(
      'plans only plan',
      'A plan may name host types; calling host is for act.ts.',
      { path: '[.]plan[.]ts$' },
      { path: '^src/host/|/act[.]ts$', dependencyTypesNot: ['type-only'] },
    ),
    rule('no cycles', 'Find the third thing both need.', {}, { circular: true }),
    rule(
      'no tests in src',
      'Production code must not need test code, benchmarks or scripts.',
      { path: '^src/', pathNot: TEST },
      { path: `^(test|bench|scripts)/|${TEST}` },
    ),
    rule('known rooms', 'Add the room to the table (and to docs/ARCHITECTURE.md) first.', { path: UNKNOWN_ROOM }, {}),
    rule(
      'known rooms, lone file',
      'Add the room to the table (and to docs/ARCHITECTURE.md) first.',
      { path: UNKNOWN_ROOM, orphan: true },
      {},
    ),
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
};
