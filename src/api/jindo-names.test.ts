import assert from 'node:assert/strict';
import test from 'node:test';
import { JINDO_CONTAINER, JINDO_ROLE, jindoEndpoint, jindoMasters, jindoNames, jindoPart } from './jindo-names.ts';
import { partLabels } from './labels.ts';

test('jindoNames() are those of Fluid', () => {
  assert.deepEqual(jindoNames('demo'), {
    master: 'demo-jindofs-master',
    masterPods: ['demo-jindofs-master-0'],
    worker: 'demo-jindofs-worker',
    fuse: 'demo-jindofs-fuse',
    valuesConfigMap: 'demo-jindocache-values',
    config: 'demo-jindofs-config',
    clientConfig: 'demo-jindofs-client-config',
  });
});

test('three masters have a pod each, and any other number is one', () => {
  assert.deepEqual([undefined, 0, 1, 2, 3, 4].map(jindoMasters), [1, 1, 1, 1, 3, 1]);
  assert.deepEqual(jindoNames('demo', 3).masterPods, [
    'demo-jindofs-master-0',
    'demo-jindofs-master-1',
    'demo-jindofs-master-2',
  ]);
});

test('jindoEndpoint() is the first master with its namespace and port', () => {
  assert.equal(jindoEndpoint({ namespace: 'default', name: 'demo' }, 8101), 'demo-jindofs-master-0.default:8101');
});

test('roles and containers are those by which people find the pods', () => {
  assert.deepEqual(Object.values(JINDO_ROLE), ['jindofs-master', 'jindofs-worker', 'jindofs-fuse']);
  assert.deepEqual(JINDO_CONTAINER, JINDO_ROLE);
  const labels = partLabels(jindoPart('fuse'), { namespace: 'default', name: 'demo', uid: 'u' });
  assert.deepEqual([labels['role'], labels['release'], labels['app']], ['jindofs-fuse', 'demo', 'jindofs']);
});
