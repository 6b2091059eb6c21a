// Names in URLs: any byte, escaped as %XX.

const UNRESERVED = /[A-Za-z0-9\-_.~]/;
const ESCAPED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return byte < 128 && UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

export function encodeName(name: Buffer): string {
  let text = '';
  for (const byte of name) text += ESCAPED[byte] ?? '';
  return text;
}

/** The bytes of one component of a URL's path; a "%" that escapes nothing is itself. */
export function decodeName(text: string): Buffer {
  if (!text.includes('%')) return Buffer.from(text);
  const parts = text.split(/((?:%[0-9A-Fa-f]{2})+)/); // escapes are at the odd places
  return Buffer.concat(
    parts.map((part, each) => (each % 2 === 0 ? Buffer.from(part) : Buffer.from(part.replaceAll('%', ''), 'hex'))),
  );
}
