// The exit status of what keeps a part of a runtime from working, besides what every command knows (see ../exit.ts).
import { EXIT } from '../exit.ts';
import { BlocksError } from '../../cache/blocks/index.ts';
import { MasterError } from '../../cache/master/index.ts';
import { NamespaceError } from '../../cache/namespace/index.ts';
import { RpcError } from '../../cache/rpc/index.ts';
import { WorkerError } from '../../cache/worker/index.ts';

/** Undefined for what is not ours to tell. */
export function clusterExitStatus(err: unknown): number | undefined {
  if (err instanceof RpcError) {
    if (err.code === 'bad-config') return EXIT.USAGE;
    return err.code === 'unauthorized' ? EXIT.NO_PERMISSION : EXIT.FAILED;
  }
  if (err instanceof BlocksError) {
    if (err.code === 'bad-config') return EXIT.USAGE;
    return err.code === 'in-use' ? EXIT.BUSY : EXIT.FAILED;
  }
  if (err instanceof MasterError) return err.code === 'no-mounts' ? EXIT.USAGE : EXIT.FAILED;
  if (err instanceof WorkerError) return err.code === 'conflict' ? EXIT.BUSY : EXIT.FAILED;
  return err instanceof NamespaceError ? EXIT.FAILED : undefined;
}

/** Runs a part to its end. What it throws that a person can act on becomes a sentence and a status. */
export async function withClusterStatus(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (err) {
    const status = clusterExitStatus(err);
    if (status === undefined || !(err instanceof Error)) throw err;
    process.stderr.write(`evermount: ${err.message}\n`);
    return status;
  }
}
