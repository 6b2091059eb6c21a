import assert from 'node:assert/strict';
import test from 'node:test';
import { JUICEFS_ROLE, juicefsNames, juicefsPart } from './juicefs-names.ts';

test('juicefsNames() are those of Fluid', () => {
  assert.deepEqual(juicefsNames('jfsdemo'), {
    worker: 'jfsdemo-worker',
    fuse: 'jfsdemo-fuse',
    workerScript: 'jfsdemo-worker-script',
    fuseScript: 'jfsdemo-fuse-script',
    valuesConfigMap: 'jfsdemo-juicefs-values',
    loader: 'jfsdemo-loader',
  });
});

test('roles are those by which people find the pods', () => {
  assert.deepEqual(Object.values(JUICEFS_ROLE), ['juicefs-worker', 'juicefs-fuse']);
  assert.deepEqual(juicefsPart('worker'), { chart: 'juicefs', chartVersion: '0.2.16', role: 'juicefs-worker' });
});
