// What web servers do wrong, by a server that does it. Real ones are in test/contract/ufs-http.test.ts.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { UfsError, type UfsFault } from '../errors.ts';
import { HttpClient } from './client.ts';
import { authorization } from './credentials.ts';
import { HttpUfs } from './http-ufs.ts';
import { openHttp } from './open-http.ts';

const FILE = Buffer.from('file');
const BODY = Buffer.from('twelve bytes');

interface Given {
  url: URL;
  ufs: HttpUfs;
}

async function serve(t: TestContext, answer: RequestListener, silenceMaxMs = 5000): Promise<Given> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const client = new HttpClient({ authorization: () => undefined, silenceMaxMs });
  const ufs = new HttpUfs({ url }, { client });
  t.after(async () => {
    await ufs.close();
    server.closeAllConnections();
    server.close();
  });
  return { url, ufs };
}

async function read(ufs: HttpUfs, version: string, offset = 0, length = BODY.length): Promise<string> {
  const chunks: Buffer[] = [];
  await ufs.read(FILE, version, offset, length, (chunk) => chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks).toString();
}

async function fails(code: UfsFault['code'], promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (err: unknown) => {
    assert.ok(err instanceof UfsError, String(err));
    assert.equal(err.code, code, err.message);
    return true;
  });
}

const HEADERS = { etag: '"a"', 'content-length': '12' };
const VERSION = '"a"-c';
const RANGE = { etag: '"a"', 'content-range': 'bytes 0-11/12' };

test('a server that is silent before its answer, or in it, is unavailable', async (t) => {
  const silent = await serve(t, () => {}, 50);
  await fails('unavailable', silent.ufs.stat(FILE));
  const stuck = (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(206, { ...RANGE, 'content-length': '12' });
    response.write('twelve');
  };
  const { ufs } = await serve(t, stuck, 50);
  await fails('unavailable', read(ufs, VERSION));
});

test('a body that is cut short is unavailable, wherever it is cut', async (t) => {
  let cut = 0;
  const { ufs } = await serve(t, (_, response) => {
    response.writeHead(206, { ...RANGE, 'content-length': '12' });
    response.write(BODY.subarray(0, cut), () => response.destroy());
  });
  for (cut = 0; cut < BODY.length; cut += 1) await fails('unavailable', read(ufs, VERSION));
});

test('a connection that is reset before the answer is unavailable', async (t) => {
  const { ufs } = await serve(t, (request) => request.socket.resetAndDestroy());
  await fails('unavailable', ufs.stat(FILE));
});

test('a kept connection that the server closed meanwhile costs no error', async (t) => {
  let requests = 0;
  const onSocket = new WeakMap<object, number>();
  const { ufs } = await serve(t, (request, response) => {
    requests += 1;
    const before = onSocket.get(request.socket) ?? 0;
    onSocket.set(request.socket, before + 1);
    if (before > 0) request.socket.resetAndDestroy();
    else response.writeHead(200, HEADERS).end();
  });
  for (let each = 0; each < 3; each += 1) assert.equal((await ufs.stat(FILE))?.version, VERSION);
  assert.ok(requests > 3, 'no connection was used again');
});

test('an answer of another version, range or length is never given', async (t) => {
  let headers: Record<string, string> = {};
  let body = BODY;
  let status = 206;
  const { ufs } = await serve(t, (_, response) => response.writeHead(status, headers).end(body));
  headers = { ...RANGE, etag: '"b"' };
  await fails('changed', read(ufs, VERSION));
  headers = { ...RANGE, 'content-range': 'bytes 0-11/13' };
  await fails('changed', read(ufs, VERSION));
  headers = { ...RANGE, 'content-range': 'bytes 1-12/12' };
  await fails('bad-answer', read(ufs, VERSION));
  headers = { ...RANGE, 'content-range': 'bytes 1-11/12' };
  await fails('bad-answer', read(ufs, VERSION));
  headers = { etag: '"a"' };
  await fails('changed', read(ufs, VERSION)); // no range and no length
  headers = RANGE;
  body = Buffer.from('twelve byte');
  await fails('bad-answer', read(ufs, VERSION));
  status = 200;
  headers = { ...HEADERS, 'content-length': '11' };
  await fails('changed', read(ufs, VERSION));
  body = BODY;
  headers = HEADERS;
  assert.equal(await read(ufs, VERSION, 7, 5), 'bytes');
});

test('a file without ETag and time, or without length, is denied; 401 and 403 are too', async (t) => {
  let status = 200;
  let headers: Record<string, string> = { 'content-length': '12' };
  const { ufs } = await serve(t, (request, response) =>
    response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : BODY),
  );
  await fails('denied', ufs.stat(FILE));
  headers = { etag: '"a"' };
  await fails('denied', ufs.stat(FILE));
  for (status of [401, 403, 405]) await fails('denied', ufs.stat(FILE));
  for (status of [429, 500, 503]) await fails('unavailable', ufs.stat(FILE));
  for (status of [404, 410]) assert.equal(await ufs.stat(FILE), undefined);
});

test('redirects are followed on the same host, five at most, and credentials go nowhere else', async (t) => {
  let foreign = 0;
  const elsewhere = await serve(t, (_, response) => {
    foreign += 1;
    response.writeHead(200, HEADERS).end();
  });
  let hops = 0;
  const { ufs } = await serve(t, (request, response) => {
    const left = Number(/^\/hops-(\d+)/.exec(request.url ?? '')?.[1] ?? hops);
    if (request.url === '/away') response.writeHead(302, { location: `http://localhost:${elsewhere.url.port}/` }).end();
    else if (left > 0) response.writeHead(307, { location: `/hops-${left - 1}` }).end();
    else response.writeHead(200, HEADERS).end();
  });
  for (hops of [0, 1, 5]) assert.equal((await ufs.stat(FILE))?.sizeBytes, 12);
  hops = 6;
  await fails('denied', ufs.stat(FILE));
  await fails('denied', ufs.stat(Buffer.from('away')));
  assert.equal(foreign, 0);
});

test('credentials come from files, and a new one is used at once', async (t) => {
  const seen: (string | undefined)[] = [];
  const { url } = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, HEADERS).end();
  });
  const base = mkdtempSync(join(tmpdir(), 'evermount-http-'));
  t.after(() => rmSync(base, { recursive: true }));
  const at = (name: string): string => join(base, name);
  const spec = {
    mountPoint: url.href,
    path: '/',
    options: { 'http.user': 'me' },
    secretFiles: { 'http.password': at('p') },
  };
  writeFileSync(at('p'), 'one\n');
  const ufs = await openHttp(spec);
  t.after(() => ufs.close());
  await ufs.stat(FILE);
  writeFileSync(at('p'), 'another');
  await ufs.stat(FILE);
  assert.deepEqual(seen, [
    `Basic ${Buffer.from('me:one').toString('base64')}`,
    `Basic ${Buffer.from('me:another').toString('base64')}`,
  ]);
  rmSync(at('p'));
  await fails('denied', ufs.stat(FILE));
  writeFileSync(at('t'), 'a-token');
  assert.equal(authorization({ ...spec, secretFiles: { 'http.token': at('t') } })(), 'Bearer a-token');
});

test('openHttp() refuses what it does not take, and secrets that are no files', async () => {
  const spec = { mountPoint: 'http://host/', path: '/', options: {}, secretFiles: {} };
  for (const mountPoint of [
    'http://u:p@host/',
    'http://u@host/',
    'http://host/?token=x',
    'http://host/#x',
    'http://',
  ]) {
    await fails('bad-config', openHttp({ ...spec, mountPoint }));
  }
  await fails('bad-config', openHttp({ ...spec, options: { 'http.password': 'p' } }));
  await fails('bad-config', openHttp({ ...spec, options: { 'http.unknown': 'p' } }));
  await fails('bad-config', openHttp({ ...spec, secretFiles: { 'http.passwd': '/p' } }));
  await (await openHttp({ ...spec, options: { 'fs.s3.region': 'of another mount' } })).close();
});

test('a listing of another host or of no index gives nothing', async (t) => {
  let type = 'text/html';
  const { ufs } = await serve(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, HEADERS).end();
    else
      response
        .writeHead(200, { 'content-type': type })
        .end('<a href="http://other/x">x</a><a href="y%2Fz">y</a><a href=y>');
  });
  const pages = [];
  for await (const page of ufs.list(Buffer.alloc(0))) pages.push(page);
  assert.deepEqual(
    pages.map(({ entries, skipped }) => ({ names: entries.map(({ name }) => name.toString()), skipped })),
    [{ names: ['y'], skipped: 1 }],
  );
  type = 'application/octet-stream';
  await fails('not-found', ufs.list(Buffer.alloc(0)).next());
});
