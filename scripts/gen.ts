// Writes what is generated from the definitions in src/api: CustomResourceDefinitions for the chart, and the reference.
//
//   node scripts/gen.ts             writes the files, and removes those that nothing generates any more
//   node scripts/gen.ts --check     writes nothing; fails if a file is not as it would be written
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { crdOf, GROUP, KINDS, referenceOf } from '../src/api/index.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** Nothing but generated files is in them. */
const CRDS = 'charts/fluid/crds';
const REFERENCE = 'docs/reference';

const NOTE = 'Written by `npm run gen` from src/api. Changes belong there.';

/** Path below the project → content. */
function generate(): Map<string, string> {
  const index = KINDS.map(({ kind, singular, description }) => `- [${kind}](${singular}.md): ${description}`).join(
    '\n',
  );
  return new Map([
    ...KINDS.map((kind): [string, string] => [
      join(CRDS, `${GROUP}_${kind.plural}.yaml`),
      `# ${NOTE}\n${stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false })}`,
    ]),
    ...KINDS.map((kind): [string, string] => [
      join(REFERENCE, `${kind.singular}.md`),
      `<!-- ${NOTE} -->\n\n${referenceOf(kind)}`,
    ]),
    [join(REFERENCE, 'README.md'), `<!-- ${NOTE} -->\n\n# Reference\n\n${index}\n`],
  ]);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
    return undefined;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder)).map((name) => join(folder, name));
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
    return [];
  }
}

/** Returns the exit status. */
function main(args: readonly string[]): number {
  if (args.some((arg) => arg !== '--check')) {
    process.stderr.write(`gen: Cannot use ${args.join(' ')}: there is --check, and nothing else\n`);
    return 2;
  }
  const files = generate();
  const stale = [...files].filter(([path, content]) => read(path) !== content).map(([path]) => path);
  const left = [CRDS, REFERENCE].flatMap(filesIn).filter((path) => !files.has(path));
  if (args.includes('--check')) {
    for (const path of [...stale, ...left]) process.stderr.write(`gen: ${path} is not what src/api says\n`);
    if (stale.length + left.length > 0) process.stderr.write('gen: run `npm run gen`, and commit what it writes\n');
    return stale.length + left.length > 0 ? 1 : 0;
  }
  for (const path of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), files.get(path) ?? '');
    process.stdout.write(`${path}\n`);
  }
  for (const path of left) rmSync(join(ROOT, path));
  return 0;
}

process.exitCode = main(process.argv.slice(2));
