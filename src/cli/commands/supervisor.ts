// evermount supervisor: see src/recovery/supervisor.ts. Started by the vault, which hands it the descriptors.
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { launch, partLogger } from '../launch.ts';
import { wantsStandby } from '../standby.ts';
import { fetchDescriptors, readRecord, sessionFolder, Supervisor } from '../../recovery/index.ts';

const FETCH_TIMEOUT_MS = 3_000;

export const command: Command = { help: '', run };

async function run(args: string[]): Promise<undefined> {
  const { values } = parseArgs({ args, options: { session: { type: 'string' } } });
  const folder = sessionFolder(values.session ?? '');
  const record = readRecord(folder.record);
  const log = partLogger('supervisor', record.id);
  const { descriptors, channel, answer } = await fetchDescriptors(
    folder.vaultSocket,
    record.uid,
    record.connection,
    { op: 'supervisor' },
    FETCH_TIMEOUT_MS,
  );
  const last = answer['last'];
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
      log,
      startDaemon: () =>
        launch('daemon', { folder, descriptors, privilege: record.source.startsWith('local:') ? 'read-any' : 'none' }),
      startVault: () => {
        const child = launch('vault', { folder, descriptors: undefined, privilege: 'all' });
        child.unref();
        return child.process;
      },
      exit: () => process.exit(0),
    },
  );
  return undefined;
}
