import assert from 'node:assert/strict';
import test from 'node:test';
import * as conditions from './conditions.ts';
import type { DatasetCondition } from './dataset.ts';

test('conditions of a Dataset are in the words of Fluid', () => {
  assert.deepEqual(
    [conditions.datasetReady, conditions.datasetNotReady, conditions.datasetFailedToSetup('no master')],
    [
      { type: 'Ready', status: 'True', reason: 'DatasetReady', message: 'The ddc runtime is ready.' },
      { type: 'Ready', status: 'False', reason: 'DatasetReady', message: 'The ddc runtime is not ready.' },
      { type: 'NotReady', status: 'True', reason: 'DatasetFailedToSetup', message: 'no master' },
    ],
  );
});

test('a Dataset that failed to be set up does not count as set up, and one that is not well does', () => {
  assert.equal(conditions.isSetUp([]), false);
  assert.equal(conditions.isSetUp([conditions.datasetFailedToSetup('no master')]), false);
  assert.equal(conditions.isSetUp([conditions.datasetNotReady]), true);
});

test('conditions of a runtime are in the words of Fluid', () => {
  const words = [
    conditions.masterInitialized,
    conditions.masterReadiness('Ready'),
    conditions.workersInitialized,
    conditions.workersReadiness('Ready'),
    conditions.workersReadiness('PartialReady'),
    conditions.workersReadiness('NotReady'),
    conditions.fusesInitialized,
    conditions.fusesReadiness('Ready'),
  ].map(({ type, status, reason, message }) => [type, status, reason, message].join('|'));
  assert.deepEqual(words, [
    'MasterInitialized|True|Master is initialized|The master is initialized.',
    'MasterReady|True|Master is ready|The master is ready.',
    'WorkersInitialized|True|Workers are initialized|The workers are initialized.',
    'WorkersReady|True|Workers are ready|The workers are ready.',
    'WorkersReady|False|Workers are ready|The workers are partially ready.',
    'WorkersReady|False|Workers are ready|The workers are not ready.',
    'FusesInitialized|True|Fuses are initialized|The fuses are initialized.',
    'FusesReady|True|Fuses are ready|The fuses are ready.',
  ]);
});

test('workersScaled() tells the direction and both numbers', () => {
  assert.deepEqual(conditions.workersScaled(3, 1), {
    type: 'WorkersScaledIn',
    status: 'True',
    reason: 'Workers scaled in',
    message: 'Workers scaled in from 3 replicas to 1 replicas.',
  });
  assert.deepEqual(conditions.workersScaled(1, 3), {
    type: 'WorkersScaledOut',
    status: 'True',
    reason: 'Workers scaled out',
    message: 'Workers scaled out from 1 replicas to 3 replicas.',
  });
});

test('phaseOf() is Ready when nothing is wanted, and else counts', () => {
  const cases: [wanted: number, ready: number, phase: string][] = [
    [0, 0, 'Ready'],
    [2, 0, 'NotReady'],
    [2, 1, 'PartialReady'],
    [2, 2, 'Ready'],
    [2, 3, 'Ready'],
  ];
  for (const [wanted, ready, phase] of cases) assert.equal(conditions.phaseOf({ wanted, ready }), phase);
});

test('withCondition() moves the time of the transition only when the status changes', () => {
  const first: readonly DatasetCondition[] = conditions.withCondition(
    [],
    conditions.datasetReady,
    'lastUpdateTime',
    't1',
  );
  assert.deepEqual(first, [{ ...conditions.datasetReady, lastUpdateTime: 't1', lastTransitionTime: 't1' }]);
  const same = conditions.withCondition(first, conditions.datasetReady, 'lastUpdateTime', 't2');
  assert.deepEqual(same, [{ ...conditions.datasetReady, lastUpdateTime: 't2', lastTransitionTime: 't1' }]);
  const worse = conditions.withCondition(same, conditions.datasetNotReady, 'lastUpdateTime', 't3');
  assert.deepEqual(worse, [{ ...conditions.datasetNotReady, lastUpdateTime: 't3', lastTransitionTime: 't3' }]);
});

test('withCondition() leaves the others as they are, and where they are', () => {
  const before = [
    { type: 'MasterReady', status: 'True', lastProbeTime: 't0', lastTransitionTime: 't0' },
    { type: 'WorkersReady', status: 'False', lastProbeTime: 't0', lastTransitionTime: 't0' },
  ];
  const after = conditions.withCondition(before, conditions.masterReadiness('NotReady'), 'lastProbeTime', 't1');
  assert.deepEqual(
    after.map(({ type }) => type),
    ['MasterReady', 'WorkersReady'],
  );
  assert.equal(after[1], before[1]);
});
