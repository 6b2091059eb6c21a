import assert from 'node:assert/strict';
import test from 'node:test';
import { dataset } from './dataset.ts';
import { jindoRuntime } from './jindo-runtime.ts';
import { referenceOf } from './reference.ts';

const DATASET = referenceOf(dataset);
const JINDO = referenceOf(jindoRuntime);

test('the reference has a row for every field, with what it is and whether it must be there', () => {
  assert.match(DATASET, /^\| `mountPoint` \| text \| \*\*Required\.\*\* Where the data is: /m);
  assert.match(DATASET, /^\| `mounts` \| list of object \| /m);
  assert.match(DATASET, /^\| `options` \| map to text \| /m);
  assert.match(JINDO, /^\| `volumeType` .* One of `hostPath`, `emptyDir`\. Default: `"hostPath"`\. \|$/m);
});

test('an object that is in several places is told of once', () => {
  assert.match(JINDO, /^### spec\.master, spec\.worker$/m);
  assert.equal(JINDO.match(/^\| `volumeMounts` /gm)?.length, 1);
});

test('the reference tells the rules, and who looks at them', () => {
  assert.match(JINDO, /^\| `metadata\.name` \| it is no DNS label; .* \| the API server, at creation \|$/m);
  assert.match(JINDO, /^\| `spec\.podMetadata\.labels` \| .* \| an event on the object \|$/m);
});

test('the reference tells the columns', () => {
  assert.match(DATASET, /^\| UFS TOTAL SIZE \| `\.status\.ufsTotal` \| always \|$/m);
  assert.match(DATASET, /^\| HCFS URL \| `\.status\.hcfs\.endpoint` \| with `-o wide` \|$/m);
});
