// The fault proxy itself, before a small real server: a fault that does not happen would prove nothing.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, afterEach, before, suite, test } from 'node:test';
import { FaultProxy, type ProxyFault } from '../support/fault-proxy.ts';
import { within } from '../support/wait.ts';

const BODY = 'the body of the answer';

suite('fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;

  before(async () => {
    server = createServer((request, response) => {
      const { host = '', 'x-odd': odd = '' } = request.headers;
      let got = 0;
      request.on('data', (chunk: Buffer) => (got += chunk.length));
      request.on('end', () => {
        response.setHeader('X-Seen', `${request.method ?? ''} ${request.url ?? ''} ${host} ${String(odd)} ${got}`);
        response.end(Buffer.from(BODY)); // bytes: with a string, Node writes the headers as UTF-8
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await FaultProxy.start((server.address() as AddressInfo).port);
  });
  afterEach(() => proxy.clear());
  after(async () => {
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });

  test('what no rule names passes: path, query, Host, odd headers and the body sent', async () => {
    const raw = await exchange('PUT /a//b%20c?x=1&y HTTP/1.1\r\nHost: bucket.example:1\r\nX-Odd: \u00e4\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'); // prettier-ignore
    assert.match(raw.text, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(raw.text, /X-Seen: PUT \/a\/\/b%20c\?x=1&y bucket.example:1 \u00e4 3\r\n/);
    assert.ok(raw.text.endsWith(BODY));
    assert.deepEqual(
      proxy.seen.map(({ method, url, fault }) => ({ method, url, fault })),
      [{ method: 'PUT', url: '/a//b%20c?x=1&y', fault: undefined }],
    );
  });

  test('reset comes after exactly so many bytes, wherever that is', async () => {
    const whole = (await get('/')).text.length;
    for (let afterBytes = 0; afterBytes < whole; afterBytes++) {
      proxy.use({ fault: { do: 'reset', afterBytes } });
      const { text, error } = await get('/');
      assert.equal(text.length, afterBytes);
      assert.equal(error, 'ECONNRESET', `after ${afterBytes} bytes`);
    }
  });

  test('close and truncate end in order, with less than was promised', async () => {
    proxy.use({ url: /none/, fault: { do: 'close', afterBytes: 0 } }, { fault: { do: 'truncate', bodyBytes: 3 } });
    assert.deepEqual(await get('/none'), { text: '', error: undefined });
    const { text, error } = await get('/some');
    assert.match(text, /Content-Length: 22\r\n/i);
    assert.ok(text.endsWith('\r\n\r\nthe'));
    assert.equal(error, undefined);
  });

  test('a rule counts its matching requests: from the second on, two of them', async () => {
    proxy.use({
      method: 'GET',
      url: /^[/]x/,
      from: 2,
      times: 2,
      fault: { do: 'refuse', status: 503, code: 'SlowDown' },
    });
    const statuses: number[] = [];
    for (const path of ['/x', '/y', '/x1', '/x', '/x']) statuses.push((await fetch(proxy.origin + path)).status);
    assert.deepEqual(statuses, [200, 200, 503, 503, 200]);
    assert.deepEqual(
      proxy.seen.map(({ fault }) => fault),
      [undefined, undefined, 'refuse', 'refuse', undefined],
    );
  });

  test('refuse answers as S3 does, and the server never hears of it', async () => {
    proxy.use({ fault: { do: 'refuse', status: 403, code: 'RequestTimeTooSkewed', headers: { 'Retry-After': '2' } } });
    const response = await fetch(proxy.origin);
    assert.equal(response.status, 403);
    assert.equal(response.headers.get('retry-after'), '2');
    assert.equal(response.headers.get('x-seen'), null);
    assert.match(await response.text(), /<Error><Code>RequestTimeTooSkewed<\/Code>/);
  });

  test('flip, resize and header change just that', async () => {
    const bodyWith = async (fault: ProxyFault): Promise<Response> => {
      proxy.use({ fault });
      return fetch(proxy.origin);
    };
    assert.equal(await (await bodyWith({ do: 'flip', at: 1 })).text(), 't(e body of the answer');
    assert.equal(await (await bodyWith({ do: 'resize', byBytes: 2 })).text(), `${BODY}xx`);
    assert.equal(await (await bodyWith({ do: 'resize', byBytes: -2 })).text(), BODY.slice(0, -2));
    const response = await bodyWith({ do: 'header', name: 'content-range', value: 'bytes 0-0/1' });
    assert.equal(response.headers.get('content-range'), 'bytes 0-0/1');
    assert.equal(await response.text(), BODY);
  });

  test('hold waits for the test, delay for its time, and both then pass', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    proxy.use({ url: /held/, fault: { do: 'hold', until: () => released } }, { fault: { do: 'delay', ms: 5 } });
    const held = fetch(`${proxy.origin}/held`);
    assert.equal((await fetch(proxy.origin)).status, 200);
    release();
    assert.equal((await within(5000, 'the held answer', held)).status, 200);
  });

  test('trickle sends all in the end; stall never does', async () => {
    proxy.use({ url: /slow/, fault: { do: 'trickle', everyMs: 0 } }, { fault: { do: 'stall', afterBytes: 10 } });
    assert.ok((await get('/slow')).text.endsWith(BODY));
    const { text, error } = await get('/', (soFar) => {
      if (soFar.length >= 10) setImmediate(() => proxy.breakConnections());
    });
    assert.deepEqual({ text, error }, { text: 'HTTP/1.1 2', error: 'ECONNRESET' });
  });

  function get(path: string, onText?: (soFar: string) => void): Promise<{ text: string; error: string | undefined }> {
    return exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, onText);
  }

  /** Says these bytes and hears the answer to its end, whatever that is. */
  async function exchange(
    bytes: string,
    onText: (soFar: string) => void = () => {},
  ): Promise<{ text: string; error: string | undefined }> {
    let text = '';
    let error: string | undefined;
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      onText(text);
    });
    socket.on('error', (err: NodeJS.ErrnoException) => (error = err.code));
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.write(Buffer.from(bytes, 'latin1'));
    await within(10_000, 'the connection to end', closed);
    return { text, error };
  }
});
