// From "https://host/dir/" to a storage. Nothing is asked of the server yet.
import { UfsError } from '../errors.ts';
import type { MountSpec } from '../mount-spec.ts';
import { HttpClient } from './client.ts';
import { authorization, SECRETS } from './credentials.ts';
import { HttpUfs } from './http-ufs.ts';

/** Throws UfsError 'bad-config'; its message has nothing of a URL that has credentials in it. */
export async function openHttp(spec: MountSpec): Promise<HttpUfs> {
  const url = parseUrl(spec.mountPoint);
  for (const name of Object.keys(spec.options)) {
    if (name === 'http.password' || name === 'http.token')
      throw badConfig(`${name} is a secret: give the file it is in`);
    if (name.startsWith('http.') && name !== 'http.user') throw badConfig(`there is no option ${name}`);
  }
  for (const name of Object.keys(spec.secretFiles)) {
    if (name.startsWith('http.') && !SECRETS.some((each) => each === name))
      throw badConfig(`there is no secret ${name}, only ${SECRETS.join(', ')}`);
  }
  return new HttpUfs({ url }, { client: new HttpClient({ authorization: authorization(spec) }) });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw badConfig('the URL cannot be read');
  if (url.username !== '' || url.password !== '')
    throw badConfig('the URL has credentials in it: give http.user and http.password, or http.token, as files');
  if (text.includes('?') || text.includes('#')) throw badConfig('the URL has a query or a fragment');
  return url;
}

function badConfig(what: string): UfsError {
  return new UfsError(`Cannot open an under storage over HTTP: ${what}`, { code: 'bad-config', what });
}
