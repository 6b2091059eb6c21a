// The supervisor's program: see src/recovery/supervisor.ts. Started by the vault, which hands it the descriptors.
import { killAt } from './kill-at.ts';
import { launch, partArguments, partLogger } from './launch.ts';
import { wantsStandby } from './standby.ts';
import { fetchDescriptors, readRecord, Supervisor } from '../recovery/index.ts';

const FETCH_TIMEOUT_MS = 3_000;

const { folder } = partArguments();
const record = readRecord(folder.record);
const { descriptors, channel, answer } = await fetchDescriptors(
  folder.vaultSocket,
  record.uid,
  record.connection,
  { op: 'supervisor' },
  FETCH_TIMEOUT_MS,
);
const { last } = answer;
new Supervisor(
  {
    folder,
    record,
    descriptors,
    vault: channel,
    standby: wantsStandby,
    last: typeof last === 'object' && last !== null ? (last as Record<string, unknown>) : {},
  },
  {
    log: partLogger('supervisor', folder),
    startDaemon: () =>
      launch('daemon', {
        folder,
        descriptors,
        privilege: record.source.startsWith('local:') ? 'read-any' : 'none',
        program: record.sourceConfig === '' ? 'daemon' : 'dataset-daemon',
      }),
    startVault: () => launch('vault', { folder, descriptors: undefined, privilege: 'all' }).process,
    exit: () => process.exit(0),
    step: (step) => killAt(`handover:${step}`),
  },
);
