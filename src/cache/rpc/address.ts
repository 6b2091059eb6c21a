// Where a part listens: "host:port", or the absolute path of a unix socket.
import { badConfig } from './errors.ts';

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** Takes "http://" before host and port too. Throws RpcError 'bad-config'. */
export function parseAddress(text: string): Address {
  if (text.startsWith('/')) return { path: text };
  const match = /^(?:http:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65535)) {
    throw badConfig(`"${text}" is no address: write host:port, [IPv6]:port or the absolute path of a socket`);
  }
  return { host, port };
}

export function formatAddress(address: Address): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
