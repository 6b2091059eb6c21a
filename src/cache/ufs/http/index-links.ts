// The names a directory index links to, as nginx (autoindex) and Apache (mod_autoindex: plain, fancy, as a table) print it.
//
// Only links to what is directly below the folder count: not the parent, not the links that sort (?C=N;O=D), nothing elsewhere.
import { Parser } from 'htmlparser2';
import { decodeName } from './percent.ts';

export interface IndexLink {
  readonly name: Buffer;
  /** The link ends with a slash. */
  readonly isFolder: boolean;
}

/** Give it the text of the page piece by piece, then end() once; every link is told once, the first time it is seen. */
export class IndexLinks {
  readonly #folder: URL;
  readonly #seen = new Set<string>();
  readonly #parser: Parser;

  constructor(folder: URL, give: (link: IndexLink) => void) {
    this.#folder = folder;
    this.#parser = new Parser({
      onopentag: (tag, attributes) => {
        const href = tag === 'a' ? attributes['href'] : undefined;
        if (href === undefined) return;
        const link = linkBelow(this.#folder, href);
        if (link === undefined) return;
        const key = link.name.toString('latin1');
        if (this.#seen.has(key)) return; // some indexes link the icon too
        this.#seen.add(key);
        give(link);
      },
    });
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  end(): void {
    this.#parser.end();
  }
}

/** What the link names, if that is directly below the folder, whose path ends with a slash. */
export function linkBelow(folder: URL, href: string): IndexLink | undefined {
  if (!URL.canParse(href, folder.href)) return undefined;
  const url = new URL(href, folder);
  if (url.origin !== folder.origin || url.username !== '' || href.includes('?') || href.includes('#')) return undefined;
  const above = folder.pathname.split('/').slice(0, -1);
  const names = url.pathname.split('/');
  const isFolder = names.at(-1) === '';
  if (isFolder) names.pop();
  if (names.length !== above.length + 1) return undefined;
  // Two ways to escape one path are the same path.
  if (!above.every((each, at) => decodeName(each).equals(decodeName(names[at] ?? '')))) return undefined;
  const name = decodeName(names.at(-1) ?? '');
  return name.length === 0 ? undefined : { name, isFolder };
}
