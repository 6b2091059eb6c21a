// The files that random system calls are made on, and what every byte of them is.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

const SIZES: Record<string, number> = { small: 13, pages: 8192, large: 260_001 };

export const FILLED_NAMES: readonly string[] = Object.keys(SIZES);

export function fillByte(name: string, at: number): number {
  return (at * 7 + name.length) % 251;
}

export function makeFuzzTree(folder: string): void {
  mkdirSync(`${folder}/folder`, { recursive: true });
  mkdirSync(`${folder}/empty`);
  for (const [name, size] of Object.entries(SIZES)) {
    writeFileSync(
      `${folder}/${name}`,
      Uint8Array.from({ length: size }, (_, at) => fillByte(name, at)),
    );
  }
  for (let i = 0; i < 150; i++) writeFileSync(`${folder}/folder/entry-${i}`, '');
  symlinkSync('folder/entry-1', `${folder}/link`);
  symlinkSync('loop', `${folder}/loop`);
}
