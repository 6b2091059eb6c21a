import assert from 'node:assert/strict';
import test from 'node:test';
import { jindoPart } from './jindo-names.ts';
import {
  ANNOTATION,
  cacheNodeLabels,
  dataLoadLabels,
  fuseNodeLabel,
  isDatasetClaim,
  LABEL,
  partLabels,
  partSelector,
  selectorText,
  volumeLabels,
  workerLabels,
} from './labels.ts';

const DEMO = { namespace: 'default', name: 'demo', uid: '0b3c8f1e-5a77-4c61-9d1c-3f0e6d2a9b44' };
const LONG = { ...DEMO, name: 'n'.repeat(50) };
const GIB = 2 ** 30;

test('fuseNodeLabel() is the label the FUSE DaemonSet waits for', () => {
  assert.equal(fuseNodeLabel(DEMO), 'fluid.io/f-default-demo');
  assert.equal(fuseNodeLabel(LONG), `fluid.io/f-${DEMO.uid}`);
});

test('cacheNodeLabels() tell what a node caches, and how much it can', () => {
  assert.deepEqual(cacheNodeLabels('jindo', DEMO, { memoryBytes: 2 * GIB, diskBytes: 0 }, 'Exclusive'), {
    'fluid.io/s-default-demo': 'true',
    'fluid.io/s-jindo-default-demo': 'true',
    'fluid.io/s-h-jindo-m-default-demo': '2GiB',
    'fluid.io/s-h-jindo-t-default-demo': '2GiB',
    fluid_exclusive: 'default_demo',
  });
  assert.deepEqual(cacheNodeLabels('juicefs', DEMO, { memoryBytes: GIB, diskBytes: 40 * GIB }, 'Shared'), {
    'fluid.io/s-default-demo': 'true',
    'fluid.io/s-juicefs-default-demo': 'true',
    'fluid.io/s-h-juicefs-m-default-demo': '1GiB',
    'fluid.io/s-h-juicefs-d-default-demo': '40GiB',
    'fluid.io/s-h-juicefs-t-default-demo': '41GiB',
  });
});

test('no label of a long name is longer than Kubernetes takes', () => {
  const labels = {
    ...cacheNodeLabels('juicefs', { ...LONG, name: 'n'.repeat(63) }, { memoryBytes: 1, diskBytes: 1 }, 'Exclusive'),
    ...volumeLabels(LONG),
    ...workerLabels({ ...LONG, name: 'n'.repeat(63) }, 'Exclusive'),
  };
  for (const [key, value] of Object.entries(labels)) {
    assert.ok((key.split('/')[1] ?? key).length <= 63, key);
    assert.ok(value.length <= 63, value);
  }
});

test('volume and claim are labelled so that others know them as a Dataset', () => {
  assert.deepEqual(volumeLabels(DEMO), {
    'fluid.io/s-default-demo': 'true',
    'fluid.io/dataset-id': 'default-demo',
  });
  assert.ok(isDatasetClaim('demo', volumeLabels(DEMO)));
  assert.ok(isDatasetClaim('demo', { 'fluid.io/managed-by': 'demo' }));
  assert.ok(isDatasetClaim('demo', { 'fluid.io/wrapped-by': 'demo' }));
  assert.ok(!isDatasetClaim('demo', { 'fluid.io/managed-by': 'other', app: 'demo' }));
});

test('partLabels() are those Helm and Fluid put on the objects of a runtime', () => {
  assert.deepEqual(partLabels(jindoPart('master'), DEMO), {
    app: 'jindofs',
    chart: 'jindofs-1.0.5',
    release: 'demo',
    heritage: 'Helm',
    role: 'jindofs-master',
    'app.kubernetes.io/name': 'jindofs',
    'app.kubernetes.io/instance': 'demo',
    'app.kubernetes.io/managed-by': 'Helm',
    'fluid.io/managed-by': 'fluid',
    'fluid.io/dataset-id': 'default-demo',
  });
});

test('partSelector() picks the pods that partLabels() marks', () => {
  const selector = partSelector(jindoPart('worker'), DEMO);
  const labels = partLabels(jindoPart('worker'), DEMO);
  for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value);
  assert.equal(selectorText(selector), 'app=jindofs,release=demo,role=jindofs-worker');
});

test('workerLabels() tell others to keep away, or not', () => {
  assert.deepEqual(workerLabels(DEMO, 'Shared'), {
    'fluid.io/dataset': 'default-demo',
    'fluid.io/dataset-placement': 'Shared',
  });
});

test('dataLoadLabels() find the Job of a load', () => {
  assert.deepEqual(dataLoadLabels('dataload-job', { release: 'warm-loader', app: 'jindo', dataset: 'demo' }), {
    role: 'dataload-job',
    release: 'warm-loader',
    app: 'jindo',
    targetDataset: 'demo',
  });
});

test('keys are those of Fluid', () => {
  assert.deepEqual(
    [LABEL.serverful, LABEL.serverless, LABEL.fuseGeneration, LABEL.datasetNumber],
    [
      'fuse.serverful.fluid.io/inject',
      'serverless.fluid.io/inject',
      'fuse.runtime.fluid.io/generation',
      'fluid.io/dataset-num',
    ],
  );
  assert.deepEqual(
    [ANNOTATION.createdBy, ANNOTATION.volumeCapacity, ANNOTATION.metadataList],
    ['CreatedBy', 'pvc.fluid.io/resources.requests.storage', 'data.fluid.io/metadataList'],
  );
});
