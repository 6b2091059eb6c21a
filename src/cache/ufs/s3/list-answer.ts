// The answer to ListObjectsV2, decoded while it comes in. Complete or an error, never a part of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
import { Parser } from 'htmlparser2';
import { toBytes, unescapeKey } from './keys.ts';

export interface ListedKey {
  /** One character per byte. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Without quotes. */
  readonly etag: string;
}

export interface ListAnswer {
  /** In the order of the answer: of their bytes. */
  readonly keys: readonly ListedKey[];
  readonly prefixes: readonly string[];
  /** For the next page, if there is one. */
  readonly next: string | undefined;
}

export class ListDecoder {
  readonly #keys: { key: string; sizeBytes: number; mtimeMs: number; etag: string }[] = [];
  readonly #prefixes: string[] = [];
  readonly #parser: Parser;
  #text = '';
  #key = '';
  #etag = '';
  #sizeBytes = Number.NaN;
  #mtimeMs = 0;
  #inPrefixes = false;
  #isEscaped = false;
  #isTruncated = false;
  #isWhole = false;
  #next: string | undefined;

  constructor() {
    this.#parser = new Parser(
      {
        onopentagname: (name) => {
          this.#text = '';
          if (name === 'CommonPrefixes') this.#inPrefixes = true;
        },
        ontext: (text) => (this.#text += text),
        onclosetag: (name, isImplied) => this.#close(name, isImplied),
      },
      { xmlMode: true },
    );
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  /** Throws an Error saying what is wrong with the answer. */
  end(): ListAnswer {
    this.#parser.end();
    if (!this.#isWhole) throw new Error('the listing is cut short or none');
    if (this.#isTruncated && (this.#next ?? '') === '') throw new Error('the listing goes on, but does not say where');
    const decode = this.#isEscaped ? unescapeKey : toBytes; // known only now: where it is said is up to the storage
    for (const each of this.#keys) each.key = decode(each.key);
    return {
      keys: this.#keys,
      prefixes: this.#prefixes.map(decode),
      next: this.#isTruncated ? this.#next : undefined,
    };
  }

  #close(name: string, isImplied: boolean): void {
    if (isImplied) return; // the answer ended within it
    const text = this.#text;
    this.#text = '';
    switch (name) {
      case 'Key':
        this.#key = text;
        break;
      case 'LastModified':
        this.#mtimeMs = mtimeMsOf(Date.parse(text));
        break;
      case 'ETag':
        this.#etag = versionOf(text);
        break;
      case 'Size':
        this.#sizeBytes = /^\d+$/.test(text) ? Number(text) : Number.NaN;
        break;
      case 'Contents':
        this.#closeKey();
        break;
      case 'Prefix':
        if (this.#inPrefixes) this.#prefixes.push(text);
        break;
      case 'CommonPrefixes':
        this.#inPrefixes = false;
        break;
      case 'EncodingType':
        this.#isEscaped = text === 'url';
        break;
      case 'IsTruncated':
        this.#isTruncated = text === 'true';
        break;
      case 'NextContinuationToken':
        this.#next = text;
        break;
      case 'ListBucketResult':
        this.#isWhole = true;
        break;
    }
  }

  #closeKey(): void {
    if (!Number.isSafeInteger(this.#sizeBytes)) throw new Error('the listing has a key without a size');
    if (this.#etag === '') throw new Error('the listing has a key without an ETag');
    this.#keys.push({ key: this.#key, sizeBytes: this.#sizeBytes, mtimeMs: this.#mtimeMs, etag: this.#etag });
    this.#key = this.#etag = '';
    this.#sizeBytes = Number.NaN;
  }
}

/** An ETag as it stands between the quotes. */
export function versionOf(etag: string): string {
  return etag.replace(/^"(.*)"$/s, '$1');
}

/** To the second, which is all that the answer to a HEAD has; 0 for no time. */
export function mtimeMsOf(timeMs: number): number {
  return Number.isNaN(timeMs) ? 0 : Math.floor(timeMs / 1000) * 1000;
}
