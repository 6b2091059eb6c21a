// What a registry is asked for an image of a given name: as container runtimes normalise names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repositoryOf } from '../../scripts/cluster/images.ts';

const NAMES: Readonly<Record<string, string>> = {
  nginx: 'library/nginx:latest',
  'nginx:1.2': 'library/nginx:1.2',
  'docker.io/nginx': 'library/nginx:latest',
  'docker.io/library/nginx:1': 'library/nginx:1',
  'team/app': 'team/app:latest',
  'localhost/app:1': 'app:1',
  'localhost:5000/app': 'app:latest',
  'registry.openanolis.cn/openanolis/nginx:1.14.1-8.6': 'openanolis/nginx:1.14.1-8.6',
  'example.com:8443/a/b/c:d': 'a/b/c:d',
};

for (const [name, repository] of Object.entries(NAMES)) {
  test(`an image called ${name} is ${repository} in the registry`, () => {
    assert.equal(repositoryOf(name), repository);
  });
}
