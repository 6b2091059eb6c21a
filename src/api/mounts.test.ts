import assert from 'node:assert/strict';
import test from 'node:test';
import { accessModesOf, effectiveMounts, isReadOnly, placementOf } from './mounts.ts';

const secretOption = (name: string, secret: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key: 'k' } },
});

test('a mount is at its path, or at its name where the path is missing or not absolute', () => {
  const mounts = [
    { path: '/', name: 'x' },
    { path: '/a/b' },
    { name: 'x' },
    { path: 'a', name: 'x' },
    { path: '', name: 'x' },
    {},
  ].map((mount) => ({ mountPoint: 'oss://bucket', ...mount }));
  assert.deepEqual(
    effectiveMounts({ mounts }).map(({ path }) => path),
    ['/', '/a/b', '/x', '/x', '/x', '/'],
  );
});

test("shared options are in every mount, and the mount's own win", () => {
  const mounts = effectiveMounts({
    mounts: [
      { mountPoint: 'oss://a', options: { endpoint: 'own' }, encryptOptions: [secretOption('id', 'own')] },
      { mountPoint: 'oss://b' },
    ],
    sharedOptions: { endpoint: 'shared', region: 'r' },
    sharedEncryptOptions: [secretOption('id', 'shared'), secretOption('password', 'shared')],
  });
  assert.deepEqual(
    mounts.map(({ options, secretOptions }) => [options, secretOptions]),
    [
      [
        { endpoint: 'own', region: 'r' },
        { id: { secret: 'own', key: 'k' }, password: { secret: 'shared', key: 'k' } },
      ],
      [
        { endpoint: 'shared', region: 'r' },
        { id: { secret: 'shared', key: 'k' }, password: { secret: 'shared', key: 'k' } },
      ],
    ],
  );
});

test('a Dataset is read-only and has its nodes for itself unless it says otherwise', () => {
  assert.deepEqual(accessModesOf({}), ['ReadOnlyMany']);
  assert.deepEqual(accessModesOf({ accessModes: [] }), ['ReadOnlyMany']);
  assert.equal(isReadOnly({}), true);
  assert.equal(isReadOnly({ accessModes: ['ReadOnlyMany', 'ReadWriteMany'] }), false);
  assert.deepEqual(
    [undefined, '' as const, 'Exclusive' as const, 'Shared' as const].map((placement) =>
      placementOf(placement === undefined ? {} : { placement }),
    ),
    ['Exclusive', 'Exclusive', 'Exclusive', 'Shared'],
  );
});
