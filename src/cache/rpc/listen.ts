// Listening on TCP or on a unix socket, and no longer.
import { lstatSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import type { Address } from './address.ts';
import { badConfig } from './errors.ts';

/** Resolves to where it listens. Without a token a unix socket must be in a folder that nobody but us can enter. */
export async function listenOn(server: Server, address: Address, withoutToken: boolean): Promise<Address> {
  if ('path' in address) {
    if (withoutToken) checkPrivate(dirname(address.path));
    removeSocket(address.path);
  }
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen('path' in address ? { path: address.path } : { ...address, backlog: 511 }, () => resolve(undefined));
  try {
    await promise;
  } catch (err) {
    throw badConfig(`cannot listen: ${err instanceof Error ? err.message : String(err)}`);
  }
  server.off('error', reject);
  const bound = server.address();
  if (bound === null || typeof bound === 'string' || 'path' in address) return address;
  return { host: address.host, port: bound.port };
}

export async function closeListening(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => resolve(undefined));
  server.closeIdleConnections();
  await promise;
}

function checkPrivate(folder: string): void {
  const { mode, uid } = statSync(folder);
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return;
  throw badConfig(`without a token a socket must be in a folder of mode 0700 of our own, "${folder}" is none`);
}

/** Of a process that is gone: nobody can listen on the name while it is there. Anything else at the name is left alone. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path);
}
