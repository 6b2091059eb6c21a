// Runs a bench in a workspace that is removed whatever happens: success, failure, or Ctrl-C.
import { Workspace, type WorkspaceOptions } from './workspace.ts';

/** `stop` is called first when a signal ends the bench: it ends programs that have files of a mount open. */
export async function inWorkspace<T>(
  use: (workspace: Workspace) => Promise<T>,
  options?: WorkspaceOptions,
): Promise<T> {
  const workspace = new Workspace(options);
  const onSignal = (signal: NodeJS.Signals): void => {
    stopAll();
    void workspace.close().finally(() => {
      process.removeListener(signal, onSignal);
      process.kill(process.pid, signal);
    });
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await use(workspace);
  } finally {
    process.removeListener('SIGINT', onSignal).removeListener('SIGTERM', onSignal);
    stopAll();
    await workspace.close();
  }
}

const stoppers = new Set<() => void>();

/** Notes how to end a program that is running; returns how to un-note it when it has ended by itself. */
export function onStop(stop: () => void): () => void {
  stoppers.add(stop);
  return () => stoppers.delete(stop);
}

function stopAll(): void {
  for (const stop of stoppers) stop();
  stoppers.clear();
}
