import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import type { WireFault } from './errors.ts';
import { Pool, WireError } from './index.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** A server that does with each request on each of its connections what it is told. */
async function serve(answer: (socket: Socket, request: number, connection: number) => void): Promise<number> {
  let connections = 0;
  const server = createServer((socket) => {
    const connection = connections++;
    let requests = 0;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => answer(socket, requests++, connection));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface GetOptions {
  stallTimeoutMs?: number;
  endAtMs?: number;
  signal?: AbortSignal;
  fresh?: boolean;
  chunk?: () => void;
}

async function get(pool: Pool, options: GetOptions = {}): Promise<string> {
  const { stallTimeoutMs = 5_000, endAtMs = Infinity, signal, fresh = false, chunk } = options;
  let body = '';
  const taker = {
    head: () => {},
    chunk: (bytes: Buffer) => {
      chunk?.();
      body += bytes.toString();
    },
  };
  const exchange = {
    method: 'GET',
    request: 'GET / HTTP/1.1\r\n\r\n',
    taker,
    stallTimeoutMs,
    endAtMs,
    signal,
  } as const;
  await pool.run(exchange, fresh);
  return body;
}

const fails = (work: Promise<unknown>, code: WireFault['code']): Promise<void> =>
  assert.rejects(work, (err) => err instanceof WireError && err.code === code);

const answerWith = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const poolOf = (port: number, connectionsMax = 4): Pool =>
  new Pool({ secure: false, hostname: '127.0.0.1', port }, connectionsMax);

test('a connection is used again, and a fresh one where that is asked for', async () => {
  const port = await serve((socket, request, connection) => socket.write(answerWith(`${connection}/${request}`)));
  const pool = poolOf(port);
  assert.deepEqual([await get(pool), await get(pool), await get(pool, { fresh: true })], ['0/0', '0/1', '1/0']);
  pool.close();
});

test('no more connections than allowed: the others wait for their turn, and a waiting one can be aborted', async () => {
  const held: Socket[] = [];
  const port = await serve((socket) => held.push(socket));
  const pool = poolOf(port, 2);
  const first = [get(pool), get(pool)];
  const stop = new AbortController();
  const aborted = get(pool, { signal: stop.signal });
  const third = get(pool);
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  for (const socket of held.splice(0)) socket.write(answerWith('x'));
  assert.deepEqual(await Promise.all(first), ['x', 'x']);
  while (held.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const socket of held.splice(0)) socket.write(answerWith('y'));
  assert.equal(await third, 'y');
  pool.close();
});

test('nobody there is "not-connected"', async () => {
  const port = await serve(() => {});
  await new Promise((resolve) => servers.at(-1)?.close(resolve));
  await fails(get(poolOf(port)), 'not-connected');
});

test('a kept connection that is closed at the next request is "stale", a new one that is closed is "broken"', async () => {
  const port = await serve((socket, request) => (request === 0 ? socket.write(answerWith('x')) : socket.destroy()));
  const pool = poolOf(port);
  await get(pool);
  await fails(get(pool), 'stale');
  const closing = poolOf(await serve((socket) => socket.destroy()));
  await fails(get(closing), 'broken');
});

test('a connection that ends within an answer is "broken"', async () => {
  for (const part of [
    'HTT',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc',
  ]) {
    await fails(get(poolOf(await serve((socket) => socket.end(part)))), 'broken');
  }
});

test('silence is "stalled", and so is a head that never ends', async () => {
  await fails(get(poolOf(await serve(() => {})), { stallTimeoutMs: 30 }), 'stalled');
  const trickle = await serve((socket) => {
    const timer = setInterval(() => socket.write('H'), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const started = get(poolOf(trickle), { stallTimeoutMs: 60 });
  await assert.rejects(
    started,
    (err) => err instanceof WireError && (err.code === 'stalled' || err.code === 'nonsense'),
  );
});

test('an answer that still comes after its time is "too-slow"', async () => {
  const port = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
  await fails(get(poolOf(port), { endAtMs: 0 }), 'too-slow');
});

test('what the taker throws ends the exchange and its connection, not the next one', async () => {
  const port = await serve((socket, _request, connection) => socket.write(answerWith(String(connection))));
  const pool = poolOf(port);
  const chunk = (): never => {
    throw new Error('not wanted');
  };
  await assert.rejects(get(pool, { chunk }), /not wanted/);
  assert.equal(await get(pool), '1');
  pool.close();
});

test('an abort ends the exchange with its reason', async () => {
  const pool = poolOf(await serve(() => {}));
  const stop = new AbortController();
  const running = get(pool, { signal: stop.signal });
  setImmediate(() => stop.abort(new Error('enough')));
  await assert.rejects(running, /enough/);
});

test('bytes that nobody asked for end the connection', async () => {
  const port = await serve((socket, _request, connection) => {
    socket.write(answerWith(String(connection)));
    if (connection === 0) setTimeout(() => socket.write('more'), 5);
  });
  const pool = poolOf(port);
  assert.equal(await get(pool), '0');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await get(pool), '1');
  pool.close();
});
