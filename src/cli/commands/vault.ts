// evermount vault: see src/recovery/vault.ts. Started by mount, or by a supervisor whose vault is gone.
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { launch, partLogger } from '../launch.ts';
import { identify } from '../../host/index.ts';
import { fetchDescriptors, inheritedDescriptors, readRecord, sessionFolder, Vault } from '../../recovery/index.ts';

const FETCH_TIMEOUT_MS = 3_000;

export const command: Command = { help: '', run };

async function run(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: { session: { type: 'string' }, 'with-source': { type: 'boolean' }, inherit: { type: 'boolean' } },
  });
  const folder = sessionFolder(values.session ?? '');
  const record = readRecord(folder.record);
  const log = partLogger('vault', record.id);
  let supervisor: number | undefined;
  let descriptors;
  if (values.inherit === true) descriptors = inheritedDescriptors(values['with-source'] === true);
  else {
    const got = await fetchDescriptors(
      folder.supervisorSocket,
      record.uid,
      record.connection,
      { op: 'descriptors' },
      FETCH_TIMEOUT_MS,
    );
    descriptors = got.descriptors;
    supervisor = got.channel.peer.pid;
    got.channel.close();
  }
  new Vault(
    { folder, record, descriptors, supervisor: supervisor === undefined ? undefined : identify(supervisor) },
    {
      log,
      startSupervisor: () => {
        const child = launch('supervisor', { folder, descriptors: undefined, privilege: 'all' });
        child.unref();
        return child.process;
      },
      exit: () => process.exit(0),
      nowMs: () => performance.now(),
    },
  );
  return undefined;
}
