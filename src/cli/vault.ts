// The vault's program: see src/recovery/vault.ts. Started by mount, which leaves it the descriptors, or by a supervisor whose
// vault is gone, which hands them over its socket.
import { launch, partArguments, partLogger } from './launch.ts';
import { identify } from '../host/index.ts';
import { fetchDescriptors, inheritedDescriptors, readRecord, Vault } from '../recovery/index.ts';

const FETCH_TIMEOUT_MS = 3_000;

const { folder, hasSource, inherits } = partArguments();
const record = readRecord(folder.record);
const { descriptors, supervisor, last } = inherits
  ? { descriptors: inheritedDescriptors(hasSource), supervisor: undefined, last: {} }
  : await fromSupervisor();
new Vault(
  { folder, record, descriptors, supervisor, last },
  {
    log: partLogger('vault', folder),
    startSupervisor: () => launch('supervisor', { folder, descriptors: undefined, privilege: 'all' }).process,
    exit: () => process.exit(0),
    nowMs: () => performance.now(),
  },
);

async function fromSupervisor() {
  const got = await fetchDescriptors(
    folder.supervisorSocket,
    record.uid,
    record.connection,
    { op: 'descriptors' },
    FETCH_TIMEOUT_MS,
  );
  got.channel.close();
  const { last } = got.answer as { last?: unknown };
  return {
    descriptors: got.descriptors,
    supervisor: identify(got.channel.peer.pid),
    last: typeof last === 'object' && last !== null ? (last as Record<string, unknown>) : {},
  };
}
