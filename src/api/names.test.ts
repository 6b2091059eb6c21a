import assert from 'node:assert/strict';
import test from 'node:test';
import {
  claimName,
  dataLoadNames,
  datasetId,
  DRIVER,
  FINALIZER,
  FUSE_ENV,
  isLabelName,
  LEASE,
  MOUNT_TYPE,
  mountPath,
  STORAGE_CLASS,
  VOLUME_ATTRIBUTE,
  volumeName,
} from './names.ts';

const DEMO = { namespace: 'default', name: 'demo', uid: '0b3c8f1e-5a77-4c61-9d1c-3f0e6d2a9b44' };
/** `default-<name>` has 62 and 63 characters. */
const LONGEST = { ...DEMO, name: 'n'.repeat(54) };
const TOO_LONG = { ...DEMO, name: 'n'.repeat(55) };

test('volume and claim have the names that pods and volumes of Fluid refer to', () => {
  assert.equal(volumeName(DEMO), 'default-demo');
  assert.equal(claimName(DEMO), 'demo');
});

test('datasetId() is namespace and name, or the UID where they are too long for a label', () => {
  assert.equal(datasetId(DEMO), 'default-demo');
  assert.equal(datasetId(LONGEST), `default-${'n'.repeat(54)}`);
  assert.equal(datasetId(TOO_LONG), DEMO.uid);
});

test('mountPath() is where the node plugin and the FUSE pods of Fluid mount', () => {
  assert.equal(mountPath('jindo', DEMO), '/runtime-mnt/jindo/default/demo/jindofs-fuse');
  assert.equal(mountPath('juicefs', DEMO), '/runtime-mnt/juicefs/default/demo/juicefs-fuse');
  assert.equal(mountPath('jindo', DEMO, '/opt/mnt'), '/opt/mnt/jindo/default/demo/jindofs-fuse');
});

test('finalizers and leases are those of Fluid', () => {
  assert.deepEqual(Object.values(FINALIZER), [
    'fluid-dataset-controller-finalizer',
    'jindo-runtime-controller-finalizer',
    'juicefs-runtime-controller-finalizer',
  ]);
  assert.deepEqual(Object.values(LEASE), [
    'dataset.data.fluid.io',
    'jindo.data.fluid.io',
    'juicefs.data.fluid.io',
    'fluidapp.data.fluid.io',
  ]);
});

test('dataLoadNames() names the Job as Fluid does', () => {
  assert.deepEqual(dataLoadNames('warm'), { release: 'warm-loader', job: 'warm-loader-job' });
});

test('isLabelName() accepts RFC 1035 labels and nothing else', () => {
  for (const name of ['a', 'demo', 'a-1', 'a'.repeat(63)]) assert.ok(isLabelName(name), name);
  for (const name of ['', '1a', 'a-', 'A', 'a.b', 'a_b', 'é', 'a\n', 'a'.repeat(64)])
    assert.ok(!isLabelName(name), name);
});

test('what a volume says of itself is what the node plugin of Fluid looks for', () => {
  assert.deepEqual([DRIVER, STORAGE_CLASS], ['fuse.csi.fluid.io', 'fluid']);
  assert.deepEqual(Object.values(VOLUME_ATTRIBUTE), [
    'fluid_path',
    'mount_type',
    'runtime_namespace',
    'runtime_name',
    'mount_pod_node_selector_key',
    'fluid_sub_path',
    'node_publish_method',
    'fluid.io/skip-check-mount-ready-target',
  ]);
  assert.deepEqual(MOUNT_TYPE, { jindo: 'jindo', juicefs: 'JuiceFS' });
  assert.deepEqual(Object.values(FUSE_ENV), [
    'FLUID_FUSE_MOUNTPOINT',
    'FLUID_RUNTIME_TYPE',
    'FLUID_RUNTIME_NS',
    'FLUID_RUNTIME_NAME',
  ]);
});
