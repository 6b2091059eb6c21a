// A bucket in memory behind HTTP, for keys that MinIO does not take and answers that no right server gives. Knows nothing of
// signatures: what is signed right is for MinIO to say.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlainS3Options {
  /** Keys of a page at most. Default 1000. */
  pageKeys?: number;
  /** Changes the text of a listing before it is sent. */
  listing?: (xml: string) => string;
  /** Answers itself, and says so. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export class PlainS3 implements AsyncDisposable {
  readonly port: number;
  /** Of every request: "GET /bucket/?list-type=2…". */
  readonly seen: string[] = [];
  options: PlainS3Options;
  readonly #server: Server;
  readonly #objects = new Map<string, Buffer>();

  static async start(options: PlainS3Options = {}): Promise<PlainS3> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PlainS3(server, options);
  }

  private constructor(server: Server, options: PlainS3Options) {
    this.#server = server;
    this.options = options;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      this.seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
      if (this.options.answer?.(request, response) !== true) this.#answer(request, response);
    });
  }

  put(key: string, content = key): void {
    this.#objects.set(key, Buffer.from(content));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const key = decodeURIComponent(path.slice(path.indexOf('/', 1) + 1));
    if (key === '') {
      response.setHeader('content-type', 'application/xml');
      const xml = this.#list(new URLSearchParams(query));
      response.end(this.options.listing?.(xml) ?? xml);
      return;
    }
    const content = this.#objects.get(key);
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('etag', `"${etagOf(content)}"`);
    response.setHeader('last-modified', new Date(0).toUTCString());
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (request.method === 'HEAD') {
      response.setHeader('content-length', content.length).end();
      return;
    }
    response.setHeader('content-range', `bytes ${from}-${to}/${content.length}`);
    response.writeHead(206).end(content.subarray(Number(from), Number(to) + 1));
  }

  #list(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const max = Math.min(Number(query.get('max-keys') ?? '1000'), this.options.pageKeys ?? 1000);
    const after = query.get('continuation-token') ?? query.get('start-after');
    const rows = new Map<string, string>();
    for (const key of [...this.#objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      if (!key.startsWith(prefix)) continue;
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const name = cut < 0 ? key : key.slice(0, cut + 1);
      if (after !== null && Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0) continue;
      rows.set(
        name,
        cut < 0 ? this.#contents(key) : `<CommonPrefixes><Prefix>${escape(name)}</Prefix></CommonPrefixes>`,
      );
    }
    const page = [...rows].slice(0, max);
    const isTruncated = page.length < rows.size;
    const last = page.at(-1)?.[0] ?? '';
    const token = isTruncated ? `<NextContinuationToken>${xmlText(last)}</NextContinuationToken>` : '';
    // As servers do: keys first, then prefixes.
    const [keys, prefixes] = [true, false].map((isKey) =>
      page.flatMap(([, row]) => (row.startsWith('<Contents>') === isKey ? [row] : [])).join(''),
    );
    return (
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
      `<Prefix>${escape(prefix)}</Prefix><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${token}` +
      `${keys}${prefixes}</ListBucketResult>`
    );
  }

  #contents(key: string): string {
    const content = this.#objects.get(key) ?? Buffer.alloc(0);
    return (
      `<Contents><Key>${escape(key)}</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>` +
      `<ETag>&quot;${etagOf(content)}&quot;</ETag><Size>${content.length}</Size></Contents>`
    );
  }
}

function etagOf(content: Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

/** As encoding-type=url does it. */
function escape(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
