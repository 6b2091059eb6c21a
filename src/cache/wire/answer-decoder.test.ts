import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerDecoder, type AnswerHeaders } from './answer-decoder.ts';
import { WireError } from './errors.ts';

interface Seen {
  status: number;
  headers: AnswerHeaders;
  body: string;
  heads: number;
}

function decode(
  text: string,
  pieceBytes: number,
  method: 'GET' | 'HEAD' = 'GET',
): { seen: Seen; decoder: AnswerDecoder } {
  const seen: Seen = { status: 0, headers: {}, body: '', heads: 0 };
  const decoder = new AnswerDecoder(method, {
    head: (status, headers) => {
      Object.assign(seen, { status, headers });
      seen.heads++;
    },
    chunk: (chunk) => (seen.body += chunk.toString('latin1')),
  });
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) decoder.feed(bytes.subarray(at, at + pieceBytes));
  return { seen, decoder };
}

interface Good {
  what: string;
  text: string;
  method?: 'HEAD';
  status: number;
  body: string;
  reusable: boolean;
  /** Done only once the connection is closed. */
  closes?: true;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const GOOD: readonly Good[] = [
  {
    what: 'a body of known length',
    text: `${OK}Content-Length: 5\r\n\r\nhello`,
    status: 200,
    body: 'hello',
    reusable: true,
  },
  { what: 'an empty body', text: `${OK}content-length:0\r\n\r\n`, status: 200, body: '', reusable: true },
  {
    what: 'chunks, with an extension and a trailer',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n01\r\n!\r\n0\r\nA: b\r\n\r\n`,
    status: 200,
    body: 'hello!',
    reusable: true,
  },
  {
    what: 'a body until the connection closes',
    text: `${OK}\r\nhello`,
    status: 200,
    body: 'hello',
    reusable: false,
    closes: true,
  },
  {
    what: 'no body to HEAD',
    text: `${OK}Content-Length: 5\r\n\r\n`,
    method: 'HEAD',
    status: 200,
    body: '',
    reusable: true,
  },
  {
    what: 'no body of a 304',
    text: 'HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n',
    status: 304,
    body: '',
    reusable: true,
  },
  {
    what: 'a 100 before the answer',
    text: 'HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx',
    status: 206,
    body: 'x',
    reusable: true,
  },
  {
    what: 'a connection that will close',
    text: `${OK}Connection: Close\r\nContent-Length: 1\r\n\r\nx`,
    status: 200,
    body: 'x',
    reusable: false,
  },
  { what: 'HTTP/1.0', text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', status: 200, body: 'x', reusable: false },
  { what: 'more than the answer', text: `${OK}Content-Length: 1\r\n\r\nxy`, status: 200, body: 'x', reusable: false },
];

for (const { what, text, method = 'GET', status, body, reusable, closes = false } of GOOD) {
  test(`AnswerDecoder reads ${what}, in pieces of any size`, () => {
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) {
      const { seen, decoder } = decode(text, pieceBytes, method);
      assert.deepEqual({ status: seen.status, body: seen.body, heads: seen.heads }, { status, body, heads: 1 });
      assert.equal(decoder.done, !closes, `pieces of ${pieceBytes}`);
      if (closes) assert.equal(decoder.close(), true);
      assert.equal(decoder.reusable, reusable, `pieces of ${pieceBytes}`);
    }
  });
}

test('AnswerDecoder joins repeated headers and names them in lower case', () => {
  const { seen } = decode(`${OK}X-A: 1\r\nx-a:  2 \r\nContent-Length: 0\r\ncontent-length: 0\r\n\r\n`, 1000);
  assert.deepEqual(seen.headers, { 'x-a': '1, 2', 'content-length': '0' });
});

test('an answer that was cut is not done, wherever it was cut', () => {
  for (const { text, closes } of GOOD) {
    if (closes) continue;
    const whole = decode(text, text.length).seen;
    for (let length = 0; length < text.length - 2; length++) {
      const { decoder, seen } = decode(text.slice(0, length), 1000);
      if (decoder.done) assert.equal(seen.body, whole.body);
      else assert.equal(decoder.close(), false);
    }
  }
});

const BAD: readonly [string, string][] = [
  ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
  ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  ['a length that is none', `${OK}Content-Length: -1\r\n\r\n`],
  ['an unknown coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ['a folded header', `${OK}A: b\r\n c\r\n\r\n`],
  ['a header without a name', `${OK}: b\r\n\r\n`],
  ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
  ['a chunk longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`],
  ['a chunk line that ends wrongly', `${OK}Transfer-Encoding: chunked\r\n\r\n1\na`],
  ['a switch of protocols', 'HTTP/1.1 101 Switching\r\n\r\n'],
  ['a head without end', `${OK}A: ${'b'.repeat(70_000)}`],
  ['a line without end', `${OK}Transfer-Encoding: chunked\r\n\r\n${'1'.repeat(2000)}`],
];

for (const [what, text] of BAD) {
  test(`AnswerDecoder refuses ${what}`, () => {
    for (const pieceBytes of [1, 7, text.length]) {
      assert.throws(
        () => decode(text, pieceBytes),
        (err) => err instanceof WireError && err.code === 'nonsense',
      );
    }
  });
}
