// Bundles src/ into dist/: the command line, and each part of a session as one file, since what a part loads is what
// applications wait for when it is started anew.
import { rmSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  external: ['koffi', 'lmdb'],
  outdir: 'dist/cli',
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({ ...COMMON, entryPoints: ['src/cli/main.ts'], splitting: true }),
  build({
    ...COMMON,
    entryPoints: ['daemon', 'dataset-daemon', 'supervisor', 'vault'].map((part) => `src/cli/${part}.ts`),
  }),
]);
