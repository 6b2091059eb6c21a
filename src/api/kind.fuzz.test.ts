// Whatever somebody writes into an object: the decoder answers, and it keeps what the API server keeps.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { crdOf } from './crd.ts';
import { decodeResource, type Kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { describeProblems } from './schema/problem.ts';

const RUNS = { numRuns: 1000 };

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

for (const kind of KINDS) {
  test(`any ${kind.kind} is decoded or refused with sentences`, () => {
    fc.assert(
      fc.property(brokenExample(kind), (json) => {
        const decoded = decodeResource(kind, json);
        if (decoded.ok) return;
        assert.ok(decoded.problems.length > 0);
        assert.match(describeProblems(decoded.problems), /^Cannot use /);
      }),
      RUNS,
    );
  });

  test(`the decoder of ${kind.kind} drops what the API server drops, and nothing else`, () => {
    fc.assert(
      fc.property(brokenExample(kind), (json) => {
        const whole = decodeResource(kind, json);
        const kept = prune(crdOf(kind).spec.versions[0].schema.openAPIV3Schema, json);
        assert.deepEqual(decodeResource(kind, kept), whole);
        if (!whole.ok) return;
        // What was decoded is complete, and decodes to itself.
        assert.deepEqual(decodeResource(kind, whole.value), whole);
      }),
      RUNS,
    );
  });
}

/** The example of a kind with a few of its values replaced, or with values beside them. */
function brokenExample(kind: Kind): fc.Arbitrary<Json> {
  const example = parse(kind.example) as { metadata: object };
  const whole = { ...example, metadata: { namespace: 'default', uid: '7d0f', ...example.metadata } } as Json;
  const change = fc.tuple(fc.nat(), fc.option(fc.constantFrom('name', 'labels', 'x', '__proto__')), fc.jsonValue());
  return fc
    .array(change, { maxLength: 3 })
    .map((changes) =>
      changes.reduce<Json>((json, [at, name, value]) => replace(json, pathsOf(json), at, name, value as Json), whole),
    );
}

function pathsOf(json: Json): string[][] {
  if (typeof json !== 'object' || json === null) return [[]];
  return [[], ...Object.entries(json).flatMap(([key, item]) => pathsOf(item).map((path) => [key, ...path]))];
}

function replace(json: Json, paths: readonly string[][], at: number, name: string | null, value: Json): Json {
  const path = paths[at % paths.length] ?? [];
  return replaceAt(json, name === null ? path : [...path, name], value);
}

function replaceAt(json: Json, [key, ...rest]: readonly string[], value: Json): Json {
  if (key === undefined) return value;
  if (isList(json)) return json.map((item, at) => (String(at) === key ? replaceAt(item, rest, value) : item));
  const fields = typeof json === 'object' && json !== null ? Object.entries(json) : [];
  const before = fields.find(([name]) => name === key)?.[1] ?? null;
  return Object.fromEntries([...fields.filter(([name]) => name !== key), [key, replaceAt(before, rest, value)]]);
}

/** As the API server does it with a structural schema. Metadata is a matter of its own there. */
function prune(schema: Schema, json: Json, isRoot = true): Json {
  if (typeof json !== 'object' || json === null) return json;
  if (isList(json)) {
    const { items } = schema;
    return items === undefined ? json : json.map((item) => prune(items, item, false));
  }
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return Object.fromEntries(
    Object.entries(json).flatMap(([name, value]): [string, Json][] => {
      if (isRoot && name === 'metadata') return [[name, value]];
      const known = Object.hasOwn(schema.properties ?? {}, name)
        ? schema.properties?.[name]
        : schema.additionalProperties;
      if (known !== undefined) return [[name, prune(known, value, false)]];
      return isOpen ? [[name, value]] : [];
    }),
  );
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
