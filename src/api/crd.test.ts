// The definitions as the API server judges them, and as Fluid's users know them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { crdOf } from './crd.ts';
import type { Kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import type { OpenApiSchema } from './schema/open-api.ts';

interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

const versionOf = (kind: Kind) => crdOf(kind).spec.versions[0];
const rootOf = (kind: Kind): Schema => versionOf(kind).schema.openAPIV3Schema;

/** What the API server knows of a schema; anything else it refuses, or it is a slip of ours. */
const KEYWORDS = new Set([
  ...['description', 'type', 'format', 'pattern', 'enum', 'required', 'properties', 'additionalProperties', 'items'],
  ...['default', 'anyOf', 'minimum', 'minItems', 'minLength'],
  ...['x-kubernetes-int-or-string', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations'],
]);
const FORMATS = new Set(['int32', 'int64', 'date-time']);

function everyNode(schema: Schema, path: string): [path: string, node: Schema][] {
  return [
    [path, schema],
    ...Object.entries(schema.properties ?? {}).flatMap(([name, node]) => everyNode(node, `${path}.${name}`)),
    ...(schema.additionalProperties === undefined ? [] : everyNode(schema.additionalProperties, `${path}.*`)),
    ...(schema.items === undefined ? [] : everyNode(schema.items, `${path}[]`)),
  ];
}

function wrongWith(path: string, node: Schema): string[] {
  const wrong: [boolean, string][] = [
    [Object.keys(node).some((key) => !KEYWORDS.has(key)), 'has an unknown keyword'],
    [node.type === undefined && node['x-kubernetes-int-or-string'] !== true, 'has no type'],
    [node['x-kubernetes-int-or-string'] === true && node.type !== undefined, 'is int-or-string and has a type'],
    [node.anyOf !== undefined && node['x-kubernetes-int-or-string'] !== true, 'has anyOf'],
    [(node.type === 'array') !== (node.items !== undefined), 'is a list without items, or the reverse'],
    [node.properties !== undefined && node.additionalProperties !== undefined, 'has properties of both kinds'],
    [node.properties !== undefined && node.type !== 'object', 'has properties and is no object'],
    [(node.required ?? []).some((name) => node.properties?.[name] === undefined), 'requires what it has not'],
    [node.format !== undefined && !FORMATS.has(node.format), 'has an unknown format'],
    [/\(\?[=!<]/.test(node.pattern ?? ''), 'has a pattern that Go does not know'],
    [path === 'root.metadata' && Object.keys(node).join() !== 'type', 'says more of metadata than its type'],
  ];
  return wrong.filter(([is]) => is).map(([, what]) => `${path} ${what}`);
}

for (const kind of KINDS) {
  test(`the schema of ${kind.kind} is structural`, () => {
    assert.deepEqual(
      everyNode(rootOf(kind), 'root').flatMap(([path, node]) => wrongWith(path, node)),
      [],
    );
  });

  test(`every default of ${kind.kind} fits its own schema`, () => {
    for (const [path, node] of everyNode(rootOf(kind), 'root')) {
      if (node.default === undefined) continue;
      const type = { string: 'string', integer: 'number', boolean: 'boolean' }[node.type ?? ''];
      assert.equal(typeof node.default, type, path);
      if (node.enum !== undefined)
        assert.ok(
          node.enum.some((word) => word === node.default),
          path,
        );
    }
  });

  test(`kubectl explain has a sentence for every field of ${kind.kind}`, () => {
    for (const [path, node] of everyNode(rootOf(kind), 'root')) {
      if (path === 'root.metadata' || /(\[\]|\.\*)$/.test(path)) continue;
      assert.match(node.description ?? '', /^[A-Z"].*\.$/, path);
    }
  });

  test(`rules of ${kind.kind} never bind an object that exists`, () => {
    const rules = (rootOf(kind) as OpenApiSchema)['x-kubernetes-validations'] as undefined | { rule: string }[];
    assert.ok(rules !== undefined && rules.length > 0);
    for (const { rule } of rules) assert.match(rule, /^has\(self\.status\) \|\| \(.*\)$/);
  });
}

test('the names of the kinds are those of Fluid', () => {
  const names = KINDS.map((kind) => {
    const { metadata, spec } = crdOf(kind);
    return [metadata.name, spec.names['kind'], spec.names['shortNames'], spec.names['categories'], spec.scope];
  });
  assert.deepEqual(names, [
    ['datasets.data.fluid.io', 'Dataset', ['dataset'], ['fluid'], 'Namespaced'],
    ['jindoruntimes.data.fluid.io', 'JindoRuntime', ['jindo'], ['fluid'], 'Namespaced'],
    ['juicefsruntimes.data.fluid.io', 'JuiceFSRuntime', ['juicefs'], ['fluid'], 'Namespaced'],
    ['dataloads.data.fluid.io', 'DataLoad', ['load'], ['fluid'], 'Namespaced'],
  ]);
});

test('runtimes can be scaled, and every kind has a status of its own', () => {
  const scale = {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.currentWorkerNumberScheduled',
    labelSelectorPath: '.status.selector',
  };
  assert.deepEqual(
    KINDS.map((kind) => versionOf(kind).subresources),
    [{ status: {} }, { status: {}, scale }, { status: {}, scale }, { status: {} }],
  );
});

const WORKERS_AND_FUSES = [
  'Ready Workers|integer|.status.workerNumberReady|10',
  'Desired Workers|integer|.status.desiredWorkerNumberScheduled|10',
  'Worker Phase|string|.status.workerPhase|0',
  'Ready Fuses|integer|.status.fuseNumberReady|10',
  'Desired Fuses|integer|.status.desiredFuseNumberScheduled|10',
  'Fuse Phase|string|.status.fusePhase|0',
  'Age|date|.metadata.creationTimestamp|0',
];

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  Dataset: [
    'Ufs Total Size|string|.status.ufsTotal|0',
    'Cached|string|.status.cacheStates.cached|0',
    'Cache Capacity|string|.status.cacheStates.cacheCapacity|0',
    'Cached Percentage|string|.status.cacheStates.cachedPercentage|0',
    'Phase|string|.status.phase|0',
    'HCFS URL|string|.status.hcfs.endpoint|10',
    'TOTAL FILES|string|.status.fileNum|11',
    'CACHE HIT RATIO|string|.status.cacheStates.cacheHitRatio|10',
    'Age|date|.metadata.creationTimestamp|0',
  ],
  JindoRuntime: [
    'Ready Masters|integer|.status.masterNumberReady|10',
    'Desired Masters|integer|.status.desiredMasterNumberScheduled|10',
    'Master Phase|string|.status.masterPhase|0',
    ...WORKERS_AND_FUSES,
  ],
  JuiceFSRuntime: WORKERS_AND_FUSES,
  DataLoad: [
    'Dataset|string|.spec.dataset.name|0',
    'Phase|string|.status.phase|0',
    'Age|date|.metadata.creationTimestamp|0',
    'Duration|string|.status.duration|0',
  ],
};

test('the columns of kubectl get are those of Fluid, in its order', () => {
  const columns = KINDS.map((kind) => [
    kind.kind,
    versionOf(kind).additionalPrinterColumns.map(({ name, type, jsonPath, priority = 0 }) =>
      [name, type, jsonPath, priority].join('|'),
    ),
  ]);
  assert.deepEqual(Object.fromEntries(columns), COLUMNS);
});

const COMPONENT = 'properties ports resources env nodeSelector tolerations labels podMetadata disabled volumeMounts';
const JUICEFS_COMPONENT =
  'replicas ports resources options env enabled nodeSelector volumeMounts podMetadata networkMode';
const RUNTIME_STATUS_REQUIRED =
  'valueFile masterPhase workerPhase fusePhase desiredWorkerNumberScheduled currentWorkerNumberScheduled workerNumberReady desiredMasterNumberScheduled currentMasterNumberScheduled masterNumberReady desiredFuseNumberScheduled currentFuseNumberScheduled fuseNumberReady';
const RUNTIME_STATUS = `${RUNTIME_STATUS_REQUIRED} masterReason workerReason fuseReason workerNumberAvailable workerNumberUnavailable fuseNumberAvailable fuseNumberUnavailable setupDuration conditions cacheStates selector apiGateway mountTime mounts cacheAffinity`;

/** Every field of Fluid, by its place. What is not in the schema the API server takes out of objects. */
const FIELDS: Readonly<Record<string, string>> = {
  'Dataset spec':
    'mounts owner nodeAffinity tolerations accessModes runtimes placement dataRestoreLocation sharedOptions sharedEncryptOptions',
  'Dataset spec.mounts[]': 'mountPoint options name path readOnly shared encryptOptions',
  'Dataset spec.owner': 'uid gid user group',
  'Dataset spec.runtimes[]': 'name namespace category type masterReplicas',
  'Dataset status':
    'phase ufsTotal fileNum cacheStates hcfs conditions mounts runtimes operationRef dataLoadRef dataBackupRef datasetRef',
  'Dataset status.conditions[]': 'type status reason message lastUpdateTime lastTransitionTime',
  'Dataset status.hcfs': 'endpoint underlayerFileSystemVersion',
  'JindoRuntime spec':
    'jindoVersion master worker fuse properties tieredstore replicas runAs user hadoopConfig secret labels podMetadata logConfig networkmode cleanCachePolicy volumes imagePullSecrets',
  'JindoRuntime spec.master': `replicas ${COMPONENT} imagePullSecrets`,
  'JindoRuntime spec.worker': `replicas ${COMPONENT} imagePullSecrets`,
  'JindoRuntime spec.fuse':
    'image imageTag imagePullPolicy imagePullSecrets properties env resources args nodeSelector tolerations labels podMetadata cleanPolicy disabled logConfig metrics global',
  'JindoRuntime spec.fuse.metrics': 'enabled scrapeTarget',
  'JindoRuntime spec.jindoVersion': 'image imageTag imagePullPolicy',
  'JindoRuntime spec.cleanCachePolicy': 'gracePeriodSeconds maxRetryAttempts',
  'JindoRuntime spec.tieredstore.levels[]': 'mediumtype volumeType volumeSource path quota quotaList high low',
  'JindoRuntime status': RUNTIME_STATUS,
  'JindoRuntime status.conditions[]': 'type status reason message lastProbeTime lastTransitionTime',
  'JuiceFSRuntime spec':
    'juicefsVersion initUsers master worker jobWorker fuse tieredstore configs replicas runAs disablePrometheus volumes volumeClaimTemplates podMetadata management',
  'JuiceFSRuntime spec.worker': JUICEFS_COMPONENT,
  'JuiceFSRuntime spec.fuse':
    'image imageTag imagePullPolicy env resources options nodeSelector volumeMounts cleanPolicy podMetadata networkMode global',
  'JuiceFSRuntime spec.management': 'cleanCachePolicy metadataSyncPolicy',
  'JuiceFSRuntime status': RUNTIME_STATUS,
  'DataLoad spec':
    'dataset loadMetadata target options podMetadata affinity tolerations nodeSelector schedulerName policy schedule runAfter ttlSecondsAfterFinished resources',
  'DataLoad spec.target[]': 'path replicas',
  'DataLoad spec.runAfter': 'apiVersion kind name namespace affinityStrategy',
  'DataLoad spec.runAfter.affinityStrategy': 'dependOn policy prefers requires',
  'DataLoad status': 'phase duration conditions infos lastScheduleTime lastSuccessfulTime waitingFor nodeAffinity',
};

for (const [place, fields] of Object.entries(FIELDS)) {
  test(`the schema has every field of Fluid and no other: ${place}`, () => {
    assert.deepEqual(Object.keys(at(place).properties ?? {}).sort(), fields.split(' ').sort());
  });
}

const REQUIRED: Readonly<Record<string, string>> = {
  'Dataset status': 'conditions',
  'Dataset spec.mounts[]': 'mountPoint',
  'JindoRuntime status': RUNTIME_STATUS_REQUIRED,
  'JuiceFSRuntime status': RUNTIME_STATUS_REQUIRED,
  'JindoRuntime spec': '',
  'DataLoad spec': '',
  'DataLoad status': 'phase duration conditions',
};

for (const [place, fields] of Object.entries(REQUIRED)) {
  test(`the API server requires what Fluid's requires: ${place}`, () => {
    const required = [...(at(place).required ?? [])].sort();
    assert.deepEqual(required, fields.split(' ').filter(Boolean).sort());
  });
}

test("Kubernetes' own types keep the fields that are not described", () => {
  const open = [
    'Dataset spec.tolerations[]',
    'JindoRuntime spec.volumes[]',
    'JuiceFSRuntime spec.volumeClaimTemplates[]',
  ];
  for (const place of open) assert.equal(at(place)['x-kubernetes-preserve-unknown-fields'], true, place);
  // In our own types a field that is not described is a slip of whoever wrote it, and kubectl says so.
  for (const place of ['Dataset spec', 'Dataset spec.mounts[]', 'JindoRuntime spec.master'])
    assert.equal(at(place)['x-kubernetes-preserve-unknown-fields'], undefined, place);
});

function at(place: string): Schema {
  const [name, path] = place.split(' ');
  const kind = KINDS.find((it) => it.kind === name);
  assert.ok(kind !== undefined);
  const found = everyNode(rootOf(kind), 'root').find(([it]) => it === `root.${path ?? ''}`)?.[1];
  assert.ok(found !== undefined, place);
  return found;
}
