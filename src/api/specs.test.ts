// One table of good and bad specs for each kind: what Fluid accepts is accepted, and what is refused is told by name.
import assert from 'node:assert/strict';
import test from 'node:test';
import { dataLoad } from './data-load.ts';
import { dataset } from './dataset.ts';
import { jindoRuntime } from './jindo-runtime.ts';
import { juicefsRuntime } from './juicefs-runtime.ts';
import { decodeResource, type Kind } from './kind.ts';

interface Table {
  readonly kind: Kind;
  readonly good: Readonly<Record<string, object>>;
  /** What it is → the spec, and the fields that are told. */
  readonly bad: Readonly<Record<string, readonly [spec: object, ...paths: string[]]>>;
}

const OSS = { mountPoint: 'oss://bucket/dir' };
const SECRET = { secretKeyRef: { name: 'mysecret', key: 'fs.oss.accessKeyId' } };
const MEM = { mediumtype: 'MEM', path: '/dev/shm', quota: '2Gi' };
const levels = (level: object): object => ({ tieredstore: { levels: [level] } });

const TABLES: readonly Table[] = [
  {
    kind: dataset,
    good: {
      'no field at all': {},
      'one mount with options, credentials and a path': {
        mounts: [
          {
            ...OSS,
            name: 'mybucket',
            path: '/',
            options: { 'fs.oss.endpoint': 'oss-cn-beijing.aliyuncs.com' },
            encryptOptions: [{ name: 'fs.oss.accessKeyId', valueFrom: SECRET }],
          },
        ],
      },
      'a mount of any scheme, without a name, its path not absolute': { mounts: [{ mountPoint: 'weird:', path: 'a' }] },
      'several mounts of the same place': { mounts: [OSS, OSS] },
      'placement left empty': { placement: '' },
      'every field': {
        mounts: [{ ...OSS, readOnly: true, shared: false }],
        owner: { uid: 1000, gid: 1000, user: 'fluid', group: 'fluid' },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] },
        },
        tolerations: [{ operator: 'Exists' }, { key: 'gpu', effect: 'NoSchedule', tolerationSeconds: 3600 }],
        accessModes: ['ReadOnlyMany', 'ReadWriteMany'],
        runtimes: [{ name: 'demo', namespace: 'default', category: 'Accelerate', type: 'jindo', masterReplicas: 1 }],
        placement: 'Shared',
        dataRestoreLocation: { path: 'pvc://claim/dir', nodeName: 'n1' },
        sharedOptions: { 'fs.oss.endpoint': 'x' },
        sharedEncryptOptions: [{ name: 'fs.oss.accessKeySecret', valueFrom: SECRET }],
      },
    },
    bad: {
      'an empty list of mounts': [{ mounts: [] }, 'spec.mounts'],
      'a mount without its place': [{ mounts: [{ name: 'x' }] }, 'spec.mounts[0].mountPoint'],
      'a place that is too short': [{ mounts: [{ mountPoint: 'a://' }] }, 'spec.mounts[0].mountPoint'],
      'an option without quotes': [
        { mounts: [{ ...OSS, options: { 'fs.x': true } }] },
        'spec.mounts[0].options["fs.x"]',
      ],
      'a secret option without a name': [
        { mounts: [{ ...OSS, encryptOptions: [{ valueFrom: SECRET }] }] },
        'spec.mounts[0].encryptOptions[0].name',
      ],
      'a secret option that comes from nowhere': [
        { sharedEncryptOptions: [{ name: 'k' }] },
        'spec.sharedEncryptOptions[0].valueFrom',
      ],
      'a Secret without a key': [
        { sharedEncryptOptions: [{ name: 'k', valueFrom: { secretKeyRef: { name: 's', key: '' } } }] },
        'spec.sharedEncryptOptions[0].valueFrom.secretKeyRef.key',
      ],
      'an owner by half': [{ owner: { uid: 1, user: 'x' } }, 'spec.owner.gid', 'spec.owner.group'],
      'another placement': [{ placement: 'Alone' }, 'spec.placement'],
      'an access mode that is no text': [{ accessModes: [1] }, 'spec.accessModes[0]'],
      'a toleration that is text': [{ tolerations: ['all'] }, 'spec.tolerations[0]'],
    },
  },
  {
    kind: jindoRuntime,
    good: {
      'no field at all': {},
      'two workers with a tier in memory': {
        replicas: 2,
        ...levels({ ...MEM, volumeType: 'emptyDir', high: '0.99', low: '0.95' }),
      },
      'a quota that is a number': levels({ ...MEM, quota: 1073741824 }),
      'a quota for each path': levels({ mediumtype: 'SSD', path: '/a,/b', quotaList: '10Gi,5Gi' }),
      'state of the master on a claim': {
        volumes: [{ name: 'meta-vol', persistentVolumeClaim: { claimName: 'demo-jindo-master-meta' } }],
        master: {
          volumeMounts: [{ name: 'meta-vol', mountPath: '/root/jindofsx-meta' }],
          properties: { 'namespace.meta-dir': '/root/jindofsx-meta' },
        },
      },
      'fields without an effect': {
        user: 'x',
        secret: 's',
        hadoopConfig: 'c',
        logConfig: { level: '1' },
        fuse: { global: true, logConfig: {} },
      },
      'deprecated labels alone': { labels: { a: 'b' }, fuse: { labels: { a: 'b' } } },
      'deprecated labels that are empty': { labels: {}, fuse: { podMetadata: { labels: { a: 'b' } } } },
      'an unknown clean policy': { fuse: { cleanPolicy: 'OnMonday' } },
      'an empty network mode': { networkmode: '' },
      'resources with claims': {
        worker: { resources: { limits: { cpu: 2, memory: '4Gi' }, claims: [{ name: 'x' }] } },
      },
    },
    bad: {
      'a number of workers in quotes': [{ replicas: '2' }, 'spec.replicas'],
      'no master': [{ master: { replicas: 0 } }, 'spec.master.replicas'],
      'a tier of paper': [levels({ ...MEM, mediumtype: 'PAPER' }), 'spec.tieredstore.levels[0].mediumtype'],
      'a tier of nothing': [levels({ path: '/x' }), 'spec.tieredstore.levels[0].mediumtype'],
      'a volume type there is not': [levels({ ...MEM, volumeType: 'pvc' }), 'spec.tieredstore.levels[0].volumeType'],
      'a size in the place of a quantity': [levels({ ...MEM, quota: '2GiB' }), 'spec.tieredstore.levels[0].quota'],
      'an empty path': [levels({ ...MEM, path: '' }), 'spec.tieredstore.levels[0].path'],
      'a list of one quota': [levels({ ...MEM, quotaList: '2Gi' }), 'spec.tieredstore.levels[0].quotaList'],
      'a quota beyond all measure': [
        levels({ ...MEM, path: '/a,/b', quotaList: '1Gi,9Ei' }),
        'spec.tieredstore.levels',
      ],
      'two quotas for one path': [levels({ ...MEM, quotaList: '2Gi,2Gi' }), 'spec.tieredstore.levels'],
      'a watermark without quotes': [levels({ ...MEM, high: 0.99 }), 'spec.tieredstore.levels[0].high'],
      'variables as a list': [{ fuse: { env: [{ name: 'A', value: 'b' }] } }, 'spec.fuse.env'],
      'a network mode there is not': [{ networkmode: 'Host' }, 'spec.networkmode'],
      'a watermark in percent': [levels({ ...MEM, high: '95%' }), 'spec.tieredstore.levels'],
      'both kinds of labels': [
        { labels: { a: 'b' }, fuse: { podMetadata: { labels: { a: 'b' } } } },
        'spec.podMetadata.labels',
      ],
      'a volume without a name': [{ volumes: [{ emptyDir: {} }] }, 'spec.volumes[0].name'],
    },
  },
  {
    kind: juicefsRuntime,
    good: {
      'no field at all': {},
      'a tier of two folders': {
        replicas: 1,
        ...levels({ mediumtype: 'SSD', path: '/a:/b', quotaList: '1Gi,2Gi', low: '0.1' }),
      },
      'variables as in a pod': {
        worker: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }], networkMode: '' },
      },
      'claims of the workers': { volumeClaimTemplates: [{ metadata: { name: 'cache' }, spec: {} }] },
      'parts it does not have': { master: { replicas: 1 }, jobWorker: { enabled: true }, initUsers: { image: 'x' } },
      management: { management: { cleanCachePolicy: {}, metadataSyncPolicy: { autoSync: false } } },
    },
    bad: {
      'variables as a map': [{ fuse: { env: { A: 'b' } } }, 'spec.fuse.env'],
      'a variable without a name': [{ fuse: { env: [{ value: 'b' }] } }, 'spec.fuse.env[0].name'],
      'two quotas for paths with a comma': [
        levels({ mediumtype: 'SSD', path: '/a,/b', quotaList: '1Gi,2Gi' }),
        'spec.tieredstore.levels',
      ],
      'a port without a number': [{ worker: { ports: [{ name: 'x' }] } }, 'spec.worker.ports[0].containerPort'],
      'an option that is no text': [{ fuse: { options: { 'cache-size': 100 } } }, 'spec.fuse.options.cache-size'],
    },
  },
  {
    kind: dataLoad,
    good: {
      'a Dataset': { dataset: { name: 'demo' } },
      'parts of it on several workers': {
        dataset: { name: 'demo', namespace: 'default' },
        loadMetadata: true,
        target: [{ path: '/a', replicas: 2 }],
      },
      'by a schedule': { dataset: { name: 'demo' }, policy: 'Cron', schedule: '0 3 * * *' },
      'after another operation': { dataset: { name: 'demo' }, runAfter: { kind: 'DataMigrate', name: 'first' } },
    },
    bad: {
      'no Dataset': [{}, 'spec.dataset'],
      'a Dataset without a name': [{ dataset: {} }, 'spec.dataset.name'],
      'a part without a path': [{ dataset: { name: 'demo' }, target: [{}] }, 'spec.target[0].path'],
      'another policy': [{ dataset: { name: 'demo' }, policy: 'Often' }, 'spec.policy'],
      'a schedule that is missing': [{ dataset: { name: 'demo' }, policy: 'Cron' }, 'spec.schedule'],
      'after no operation': [{ dataset: { name: 'demo' }, runAfter: { kind: 'Pod', name: 'x' } }, 'spec.runAfter.kind'],
    },
  },
];

for (const { kind, good, bad } of TABLES) {
  const decoded = (spec: object, name = 'demo') =>
    decodeResource(kind, {
      apiVersion: 'data.fluid.io/v1alpha1',
      kind: kind.kind,
      metadata: { name, namespace: 'default', uid: '7d0f' },
      spec,
    });

  for (const [what, spec] of Object.entries(good)) {
    test(`a ${kind.kind} is accepted: ${what}`, () => {
      const result = decoded(spec);
      assert.deepEqual(result.ok ? [] : result.problems, []);
    });
  }

  for (const [what, [spec, ...paths]] of Object.entries(bad)) {
    test(`a ${kind.kind} is refused: ${what}`, () => {
      const result = decoded(spec);
      assert.deepEqual(result.ok ? [] : result.problems.map(({ path }) => path), paths);
    });
  }
}

test('a runtime has a name that leaves room for what its StatefulSets are called', () => {
  const named = (kind: Kind, name: string) =>
    decodeResource(kind, {
      apiVersion: 'data.fluid.io/v1alpha1',
      kind: kind.kind,
      metadata: { name, namespace: 'default', uid: '7d0f' },
    }).ok;
  assert.deepEqual([named(jindoRuntime, 'a'.repeat(37)), named(jindoRuntime, 'a'.repeat(38))], [true, false]);
  assert.deepEqual([named(juicefsRuntime, 'a'.repeat(45)), named(juicefsRuntime, 'a'.repeat(46))], [true, false]);
});

test('defaults are filled in', () => {
  const result = decodeResource(jindoRuntime, {
    apiVersion: 'data.fluid.io/v1alpha1',
    kind: 'JindoRuntime',
    metadata: { name: 'demo', namespace: 'default', uid: '7d0f' },
    spec: { ...levels(MEM), cleanCachePolicy: {} },
  });
  assert.ok(result.ok);
  assert.equal(result.value.spec.tieredstore?.levels?.[0]?.volumeType, 'hostPath');
  assert.deepEqual(result.value.spec.cleanCachePolicy, { gracePeriodSeconds: 60, maxRetryAttempts: 3 });
});
