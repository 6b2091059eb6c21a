import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { UfsError } from '../ufs/index.ts';
import { openRpcClient, type RpcClient, type RpcClientConfig } from './client.ts';
import { RpcError } from './errors.ts';
import type { RpcRoutes } from './routes.ts';
import { createRpcServer, type RpcServer, type RpcServerConfig, type RpcServerDeps } from './server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'evermount-rpc-'));
const log = createLogger({ write: () => {} });
const TOKEN = 'the-token-of-this-test';
const tokenFile = join(scratch, 'token');
writeFileSync(tokenFile, TOKEN);
const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing) await close();
  rmSync(scratch, { recursive: true });
});

async function serve(
  routes: RpcRoutes,
  config: Partial<RpcServerConfig> = {},
  deps: Partial<RpcServerDeps> = {},
): Promise<RpcServer> {
  const server = await createRpcServer({ listen: '127.0.0.1:0', tokenFile, ...config }, { routes, log, ...deps });
  closing.push(() => server.close());
  return server;
}

function clientOf(address: string, config: Partial<RpcClientConfig> = {}): RpcClient {
  const client = openRpcClient({ address, tokenFile, ...config }, { log });
  closing.push(() => client.close());
  return client;
}

/** What comes back for these bytes until the other side closes or `until` is satisfied. */
async function raw(address: string, text: string, until: (got: string) => boolean = () => false): Promise<string> {
  const port = Number(address.split(':')[1]);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  let got = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    got += chunk;
    if (until(got)) resolve(undefined);
  });
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(undefined));
  await promise;
  socket.destroy();
  return got;
}

function get(path: string, token?: string): string {
  const header = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`;
}

async function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (err: unknown) => (err instanceof RpcError || err instanceof UfsError ? err.code : String(err)),
  );
}

const echo: RpcRoutes = {
  'GET /v1/echo': ({ query }) => ({ kind: 'json', value: Object.fromEntries(query) }),
  'POST /v1/echo': ({ body }) => ({ kind: 'json', value: body }),
};

suite('the door', () => {
  test('no token configured: refuses to start', async () => {
    await assert.rejects(createRpcServer({ listen: '127.0.0.1:0' }, { routes: {}, log }), /no token file is given/);
  });

  test('without the right token 401 and not one byte more, whatever the path, closed after several', async () => {
    const { address } = await serve(echo, {}, { metrics: () => 'secret 1\n' });
    const one =
      'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n';
    const last = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    for (const path of ['/v1/echo', '/nothing', '/metrics', '/']) {
      const got = await raw(address, get(path) + get(path, 'wrong-token-wrong-token') + get(path) + get(path));
      assert.equal(got, one + one + last, path);
    }
  });

  test('a body from who has no token is not read', async () => {
    const { address } = await serve(echo);
    const head = 'POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n';
    assert.match(await raw(address, head), /^HTTP\/1\.1 401 .*\r\nConnection: close\r\n\r\n$/s);
  });

  test('a client with a wrong token learns that it is unauthorized', async () => {
    const wrong = join(scratch, 'wrong');
    writeFileSync(wrong, 'not-the-token-of-this-test');
    const client = clientOf((await serve(echo)).address, { tokenFile: wrong });
    for (let at = 0; at < 5; at++) assert.equal(await code(client.json({ path: '/v1/echo' })), 'unauthorized');
  });

  test('a token that changes on both sides, one after the other, stops nobody', async () => {
    const here = join(scratch, 'here');
    const there = join(scratch, 'there');
    for (const file of [here, there]) writeFileSync(file, TOKEN);
    const client = clientOf((await serve(echo, { tokenFile: there })).address, { tokenFile: here });
    await client.json({ path: '/v1/echo' });
    await new Promise((resolve) => setTimeout(resolve, 110)); // so that a refused token makes both look again
    writeFileSync(there, 'another-token-for-this-test');
    assert.deepEqual(await client.json({ path: '/v1/echo' }), {});
    writeFileSync(here, 'another-token-for-this-test');
    assert.deepEqual(await client.json({ path: '/v1/echo' }), {});
  });

  test('/healthz is open and says why not', async () => {
    let why: string | undefined = undefined;
    const { address } = await serve({}, {}, { health: () => why });
    assert.match(await raw(address, get('/healthz'), (got) => got.endsWith('ok\n')), /^HTTP\/1\.1 200 /);
    why = 'the disk is gone';
    const got = await raw(address, get('/healthz'), (it) => it.endsWith('gone\n'));
    assert.match(got, /^HTTP\/1\.1 503 .*the disk is gone\n$/s);
  });

  test('/metrics needs the token unless it is configured open', async () => {
    const deps = { metrics: () => 'x_total 1\n' };
    const closed = await serve({}, {}, deps);
    const open = await serve({}, { metricsOpen: true }, deps);
    const ends = (got: string): boolean => got.endsWith('x_total 1\n');
    assert.match(await raw(closed.address, get('/metrics', TOKEN), ends), /version=0\.0\.4/);
    assert.match(await raw(open.address, get('/metrics'), ends), /^HTTP\/1\.1 200 /);
  });

  test('a unix socket goes without token only in a private folder of our own', async () => {
    const folder = join(scratch, 'private');
    mkdirSync(folder, { mode: 0o700 });
    const listen = join(folder, 'socket');
    const first = await createRpcServer({ listen }, { routes: echo, log });
    const client = openRpcClient({ address: listen }, { log });
    assert.deepEqual(await client.json({ path: '/v1/echo', query: { a: 1 } }), { a: '1' });
    client.close();
    await first.close();
    chmodSync(folder, 0o750);
    await assert.rejects(createRpcServer({ listen }, { routes: echo, log }), /mode 0700/);
  });
});

suite('requests and answers', () => {
  test('what was sent arrives', async () => {
    const client = clientOf((await serve(echo)).address);
    assert.deepEqual(await client.json({ path: '/v1/echo', query: { a: 'b&c=ä', n: 7, none: undefined } }), {
      a: 'b&c=ä',
      n: '7',
    });
    assert.deepEqual(await client.json({ path: '/v1/echo', body: { list: [1, 'ä'] } }), { list: [1, 'ä'] });
  });

  test('errors come back as what they were, before and within an answer', async () => {
    const changed = new UfsError('Cannot read "a"', { code: 'changed', path: 'a', version: 'v' });
    const fail = (): never => {
      throw changed;
    };
    async function* some(): AsyncIterable<unknown> {
      yield 1;
      await Promise.resolve();
      throw changed;
    }
    const { address } = await serve({
      'GET /v1/json': fail,
      'GET /v1/lines': () => ({ kind: 'lines', values: some() }),
      'GET /v1/bytes': () => ({ kind: 'bytes', lengthBytes: 5, write: async () => fail() }),
      'GET /v1/cut': () => ({
        kind: 'bytes',
        lengthBytes: 10,
        async write(out): Promise<void> {
          await out.write(Buffer.alloc(5));
          fail();
        },
      }),
      'GET /v1/bug': () => {
        throw new TypeError('x is not a function');
      },
    });
    const client = clientOf(address);
    assert.equal(await code(client.json({ path: '/v1/json' })), 'changed');
    assert.equal(await code(client.bytes({ path: '/v1/bytes' }, 5, () => {})), 'changed');
    assert.equal(await code(client.bytes({ path: '/v1/cut' }, 10, () => {})), 'unreachable');
    assert.equal(await code(client.json({ path: '/v1/bug' })), 'broken');
    assert.equal(await code(client.json({ path: '/v1/none' })), 'bad-request');
    const got: unknown[] = [];
    const lines = async (): Promise<void> => {
      for await (const value of client.lines({ path: '/v1/lines' })) got.push(value);
    };
    assert.equal(await code(lines()), 'changed');
    assert.deepEqual(got, [1]);
  });

  test('lines arrive in order, however many and however long', async () => {
    async function* many(): AsyncIterable<unknown> {
      for (let at = 0; at < 5000; at++) yield { at, text: 'ä'.repeat(at % 300) };
      await new Promise(setImmediate);
      yield 'last';
    }
    const client = clientOf((await serve({ 'GET /v1/lines': () => ({ kind: 'lines', values: many() }) })).address);
    let count = 0;
    for await (const value of client.lines({ path: '/v1/lines' })) {
      if (count < 5000) assert.deepEqual(value, { at: count, text: 'ä'.repeat(count % 300) });
      else assert.equal(value, 'last');
      count += 1;
    }
    assert.equal(count, 5001);
  });

  test('bytes are exactly as many as were asked for, or an error', async () => {
    const { address } = await serve({
      'GET /v1/bytes': () => ({
        kind: 'bytes',
        lengthBytes: 300_000,
        write: (out) => out.write(Buffer.alloc(300_000, 7)),
      }),
    });
    const client = clientOf(address);
    let got = 0;
    await client.bytes({ path: '/v1/bytes' }, 300_000, (chunk) => void (got += chunk.length));
    assert.equal(got, 300_000);
    assert.equal(await code(client.bytes({ path: '/v1/bytes' }, 300_001, () => {})), 'bad-answer');
  });

  test('a body or a header that is too long is refused', async () => {
    const { address } = await serve(echo, { bodyBytesMax: 1000 });
    const client = clientOf(address);
    assert.equal(await code(client.json({ path: '/v1/echo', body: 'x'.repeat(1001) })), 'bad-request');
    assert.equal(await code(client.json({ path: '/v1/echo', query: { a: 'x'.repeat(20_000) } })), 'unreachable');
    assert.deepEqual(await client.json({ path: '/v1/echo', body: 'fits' }), 'fits');
  });

  test('more requests at once than allowed are told so', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { address } = await serve(
      {
        'GET /v1/wait': async () => {
          await gate.promise;
          return { kind: 'json', value: 1 };
        },
      },
      { inFlightMax: 2 },
    );
    const client = clientOf(address);
    const calls = [1, 2, 3].map(() => code(client.json({ path: '/v1/wait' })));
    assert.equal(await Promise.race(calls), 'busy');
    gate.resolve(undefined);
    assert.deepEqual((await Promise.all(calls)).sort(), ['busy', 'no error', 'no error']);
  });

  test('closing lets what is in flight finish and then waits no longer', async () => {
    const started = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<undefined>();
    const server = await serve({
      'GET /v1/wait': async () => {
        started.resolve(undefined);
        await gate.promise;
        return { kind: 'json', value: 'done' };
      },
    });
    const call = clientOf(server.address).json({ path: '/v1/wait' });
    await started.promise;
    const closed = server.close(60_000); // The test would not end if the connection that is kept were waited for.
    gate.resolve(undefined);
    assert.equal(await call, 'done');
    await closed;
  });

  test('a caller that leaves aborts the work', async () => {
    const aborted = Promise.withResolvers<undefined>();
    const started = Promise.withResolvers<undefined>();
    const { address } = await serve({
      'GET /v1/wait': async ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(undefined));
        started.resolve(undefined);
        await aborted.promise;
        return { kind: 'json', value: 1 };
      },
    });
    const stop = new AbortController();
    const call = clientOf(address).json({ path: '/v1/wait', signal: stop.signal });
    await started.promise;
    stop.abort(new Error('enough'));
    await assert.rejects(call, /enough/);
    await aborted.promise;
  });
});

suite('a bad other side', () => {
  /** Answers every connection with these bytes, then does as `then` says. */
  async function fake(bytes: string, then: 'close' | 'wait'): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', () => {
        if (then === 'close') socket.end(bytes, 'latin1');
        else socket.write(bytes, 'latin1');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const cases: [string, string, 'close' | 'wait', string][] = [
    ['closes without a word', '', 'close', 'unreachable'],
    ['never answers', '', 'wait', 'timeout'],
    ['stops within its headers', 'HTTP/1.1 200 OK\r\nContent-Le', 'wait', 'timeout'],
    ['stops within its body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"', 'wait', 'timeout'],
    ['cuts its body short', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"', 'close', 'unreachable'],
    [
      'cuts a chunked body short',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a',
      'close',
      'unreachable',
    ],
    ['is no HTTP server', 'SSH-2.0-OpenSSH\r\n', 'wait', 'unreachable'],
    ['does not speak JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'wait', 'bad-answer'],
    ['fails in a way of its own', 'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}', 'wait', 'bad-answer'],
  ];
  for (const [what, bytes, then, expected] of cases) {
    test(`one that ${what} is "${expected}"`, async () => {
      const client = clientOf(await fake(bytes, then));
      assert.equal(await code(client.json({ path: '/', deadlineMs: 200 })), expected);
      if (expected === 'bad-answer') return;
      assert.equal(await code(client.bytes({ path: '/', deadlineMs: 200 }, undefined, () => {})), expected);
    });
  }

  test('one that nobody is at is "unreachable"', async () => {
    const server = await serve({});
    await server.close();
    assert.equal(await code(clientOf(server.address).json({ path: '/' })), 'unreachable');
  });

  test('a stream of lines without its end was cut short', async () => {
    const body = '{"v":1}\n{"v":2}\n';
    const client = clientOf(await fake(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'wait'));
    const got: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const value of client.lines({ path: '/' })) got.push(value);
    };
    assert.equal(await code(read()), 'unreachable');
    assert.deepEqual(got, [1, 2]);
  });

  test('a stream of lines that falls silent times out; a reader that takes its time does not', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"v":1}\n\r\n8\r\n{"v":2}\n\r\n';
    const client = clientOf(await fake(head, 'wait'));
    const got: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const value of client.lines({ path: '/', silenceMs: 50 })) {
        await new Promise((resolve) => setTimeout(resolve, 120));
        got.push(value);
      }
    };
    assert.equal(await code(read()), 'timeout');
    assert.deepEqual(got, [1, 2]);
  });

  test('a restart between two calls is not noticed', async () => {
    const first = await createRpcServer({ listen: '127.0.0.1:0', tokenFile }, { routes: echo, log });
    const client = clientOf(first.address);
    await Promise.all([1, 2, 3, 4].map(() => client.json({ path: '/v1/echo' })));
    await first.close();
    await serve(echo, { listen: first.address });
    assert.deepEqual(await client.json({ path: '/v1/echo' }), {});
  });
});
