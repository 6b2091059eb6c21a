import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'yaml';
import { dataset } from './dataset.ts';
import { decodeResource, type Kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { describeProblem } from './schema/problem.ts';

const METADATA = { name: 'demo', namespace: 'default', uid: '7d0f' };

function problemsOf(kind: Kind, json: unknown): string[] {
  const decoded = decodeResource(kind, json);
  return decoded.ok ? [] : decoded.problems.map(describeProblem);
}

for (const kind of KINDS) {
  test(`the example of ${kind.kind} decodes`, () => {
    const example = parse(kind.example) as { metadata: object };
    assert.deepEqual(problemsOf(kind, { ...example, metadata: { ...METADATA, ...example.metadata } }), []);
  });
}

test('decodeResource() fills in what metadata may lack, and keeps the rest of it', () => {
  const decoded = decodeResource(dataset, {
    apiVersion: 'data.fluid.io/v1alpha1',
    kind: 'Dataset',
    metadata: { ...METADATA, managedFields: [] },
  });
  assert.deepEqual(decoded, {
    ok: true,
    value: {
      apiVersion: 'data.fluid.io/v1alpha1',
      kind: 'Dataset',
      metadata: { ...METADATA, labels: {}, annotations: {}, finalizers: [], ownerReferences: [], managedFields: [] },
      spec: {},
    },
  });
});

test('decodeResource() tells what is wrong with head and spec at once', () => {
  assert.deepEqual(
    problemsOf(dataset, { apiVersion: 'v1', kind: 'Dataset', metadata: { name: 'demo' }, spec: { mounts: [] } }).map(
      (sentence) => /^Cannot use (\S+):/.exec(sentence)?.[1],
    ),
    ['apiVersion', 'metadata.namespace', 'metadata.uid', 'spec.mounts'],
  );
});

test('decodeResource() refuses what is no object, and an object of another kind', () => {
  assert.match(problemsOf(dataset, 'demo').join(), /^Cannot use the object: it is text; /);
  assert.match(
    problemsOf(dataset, { apiVersion: 'data.fluid.io/v1alpha1', kind: 'DataLoad', metadata: METADATA }).join(),
    /^Cannot use kind: it is "DataLoad"; write one of "Dataset"$/,
  );
});

test('decodeResource() takes a status that cannot be read for none', () => {
  const json = { apiVersion: 'data.fluid.io/v1alpha1', kind: 'Dataset', metadata: METADATA, spec: {} };
  const good = decodeResource(dataset, { ...json, status: { phase: 'Bound', conditions: [] } });
  assert.ok(good.ok);
  assert.deepEqual(good.value.status, { phase: 'Bound', conditions: [] });
  const bad = decodeResource(dataset, { ...json, status: { phase: 'Bound', conditions: 'none' } });
  assert.ok(bad.ok);
  assert.equal(bad.value.status, undefined);
});

const GOOD_NAMES = ['a', 'demo', 'demo-dataset', 'x1', 'a'.repeat(63)];
const BAD_NAMES = ['1demo', 'demo-', '-demo', 'Demo', 'de_mo', 'de.mo', 'a'.repeat(64)];

test('a Dataset has a name that is a DNS label and begins with a letter', () => {
  const named = (name: string) => ({
    apiVersion: 'data.fluid.io/v1alpha1',
    kind: 'Dataset',
    metadata: { ...METADATA, name },
  });
  for (const name of GOOD_NAMES) assert.deepEqual(problemsOf(dataset, named(name)), [], name);
  for (const name of BAD_NAMES) {
    assert.match(
      problemsOf(dataset, named(name)).join(),
      /^Cannot use metadata.name: it is no DNS label; choose/,
      name,
    );
  }
});
