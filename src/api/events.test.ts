import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENT_SOURCE, events, type EventText } from './events.ts';

const DEMO = { namespace: 'default', name: 'demo' };
const TARGET = '/var/lib/kubelet/pods/0b3c/volumes/kubernetes.io~csi/default-jfsdemo/mount';

const EXPECTED: readonly [EventText, string][] = [
  [events.fuseRecoverSucceed(TARGET), `Normal FuseRecoverSucceed Fuse recover ${TARGET} succeed`],
  [
    events.fuseRecoverFailed(TARGET, 'it cannot be read'),
    `Warning FuseRecoverFailed Fuse recover ${TARGET} failed: it cannot be read`,
  ],
  [
    events.unmountDuplicateMountpoint('/a', 51),
    'Warning UnmountDuplicateMountpoint Mountpoint /a has been mounted 51 times, unmount duplicate mountpoint to avoid large /proc/self/mountinfo file, this may potential make data access connection broken',
  ],
  [
    events.datasetInUse('app', DEMO),
    'Warning ErrorDeleteDataset Failed to delete dataset because err: can not delete dataset because Pod app in Namespace default is using it',
  ],
  [events.noDataset(), 'Warning ErrorProcessRuntime No dataset can be bound to the runtime, waiting.'],
  [events.setupFailed('x'), 'Warning ErrorProcessRuntime Failed to setup ddc engine due to error x'],
  [events.syncFailed('x'), 'Warning ErrorProcessRuntime Failed to sync the ddc due to x'],
  [events.errorValidateSpecFields('x'), 'Warning ErrorValidateSpecFields x'],
  [events.scaledIn(), 'Normal Succeed Runtime scaled in'],
  [events.scaledOut(), 'Normal Succeed Runtime scaled out'],
  [events.targetDatasetNotFound('x'), 'Warning TargetDatasetNotFound Target dataset not found: x'],
  [
    events.operationNotSupported('efc', 'DataLoad'),
    'Warning DataOperationNotSupport RuntimeType efc not support DataLoad',
  ],
  [events.operationSucceeded('DataLoad', 'warm'), 'Normal DataOperationSucceed DataLoad warm succeeded'],
  [events.operationFailed('DataLoad', 'warm'), 'Warning DataOperationFailed DataLoad warm failed'],
  [events.operationExecutionFailed('x'), 'Warning DataOperationExecutionFailed fail to execute data operation: x'],
  [events.runtimeNotReady(), 'Warning RuntimeNotReady Bounded accelerate runtime not ready'],
];

for (const [{ type, reason, message }, line] of EXPECTED) {
  test(`an event says: ${line.slice(0, 70)}`, () => {
    assert.equal(`${type} ${reason} ${message}`, line);
  });
}

test('events come from whom Fluid says they do', () => {
  assert.deepEqual(Object.values(EVENT_SOURCE), [
    'Dataset',
    'JindoRuntime',
    'JuiceFSRuntime',
    'DataLoad',
    'FluidApp',
    'FuseRecover',
  ]);
});
