// Programs that tests and benches run, built from their Go modules: an S3 server, a Kubernetes, and others to compare with.
//
//   node scripts/tools.ts NAME…     prints the path of each, after building what is not there yet; the name of a product
//                                   stands for all its programs
//
// Each product has a go.mod and a go.sum of its own under scripts/tools/, which pin every source file. What is built is kept
// outside the checkout, in a folder named for everything that decides what comes out: another pin is another folder. A binary
// is either whole or absent, and of several builders at once one builds.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  isProduct,
  isTool,
  PRODUCTS,
  productOf,
  toolsOf,
  type Product,
  type ProductName,
  type ToolName,
} from './tools/products.ts';

export type { ToolName } from './tools/products.ts';

/** A build from nothing, its modules downloaded, on a machine that does other things too. */
const BUILD_TIMEOUT_S = 1800;

/** Runs under the lock: whoever waited for another's build finds it done. The rest of its arguments are packages. */
const BUILD_IF_ABSENT = `
  program=$1 folder=$2 name=$3 tags=$4 flags=$5; shift 5
  test -x "$program" && exit
  echo "tools: building $name (once, takes minutes)" >&2
  rm -rf "$folder/new" && mkdir "$folder/new" &&
    go build -o "$folder/new/" -trimpath -buildvcs=false -ldflags "$flags" -tags "$tags" "$@" &&
    mv "$folder/new/"* "$folder/" && rmdir "$folder/new"`;

/** Found by this process: some are asked for hundreds of times. */
const paths = new Map<ToolName, string>();

/** The program's absolute path. Builds its product first if need be, which takes minutes and says so on standard error. */
export async function ensureTool(name: ToolName): Promise<string> {
  const path = paths.get(name) ?? (await findOrBuild(name));
  paths.set(name, path);
  return path;
}

async function findOrBuild(name: ToolName): Promise<string> {
  const productName = productOf(name);
  const product: Product = PRODUCTS[productName];
  const source = join(import.meta.dirname, 'tools', productName);
  const flags = linkerFlags(product, source);
  const folder = join(cacheFolder('tools'), `${productName}-${keyOf(productName, product, flags, source)}`);
  const program = join(folder, name);
  if (isProgram(program)) return program;
  mkdirSync(folder, { recursive: true });
  const facts = [program, folder, productName, product.tags.join(','), flags];
  const build = ['sh', '-c', BUILD_IF_ABSENT, 'sh', ...facts, ...Object.values(product.programs)];
  await run(
    ['flock', '--timeout', String(BUILD_TIMEOUT_S), join(folder, 'lock'), 'timeout', String(BUILD_TIMEOUT_S), ...build],
    source,
    { ...process.env, CGO_ENABLED: product.cgo ? '1' : '0' },
    productName,
  );
  if (!isProgram(program)) throw new Error(`Cannot build ${name}: nothing came of it in ${folder}`);
  return program;
}

/** Where what takes long to make is kept: outside the checkout, shared by all checkouts of this user. */
export function cacheFolder(kind: string): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(given === '' ? join(homedir(), '.cache') : given, 'evermount', kind);
}

function linkerFlags({ stamp }: Product, source: string): string {
  if (stamp === undefined) return '-s -w';
  const pinned = readFileSync(join(source, 'go.mod'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/^require /, '').trim())
    .find((line) => line.startsWith(`${stamp.module} v`));
  const [, full, major, minor] = /(v(\d+)\.(\d+)\S*)/.exec(pinned?.slice(stamp.module.length) ?? '') ?? [];
  if (full === undefined || major === undefined || minor === undefined) {
    throw new Error(`Cannot tell the version of ${stamp.module}: ${join(source, 'go.mod')} does not require it`);
  }
  const variables = Object.entries(stamp.variables({ full, major, minor }));
  return ['-s -w', ...variables.map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

function keyOf(name: ProductName, product: Product, flags: string, source: string): string {
  const { stdout, error, status, stderr } = spawnSync('go', ['env', 'GOVERSION', 'GOARCH'], {
    cwd: source,
    encoding: 'utf8',
  });
  if (error !== undefined) {
    throw new Error(`Cannot build ${name}: it takes Go, and there is no go in PATH (https://go.dev/dl)`, {
      cause: error,
    });
  }
  if (status !== 0) throw new Error(`Cannot build ${name}: go env failed: ${stderr.trim()}`);
  const packages = Object.values(product.programs).join(',');
  const hash = createHash('sha256').update(`${stdout}\0${packages}\0${product.tags.join(',')}\0${product.cgo}\0`);
  if (product.stamp !== undefined) hash.update(`${flags}\0`);
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(source, file))).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What it prints goes to standard error: standard output is for paths. */
function run(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv, name: ProductName): Promise<void> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', process.stderr, process.stderr] });
    child.on('error', (err) => reject(new Error(`Cannot build ${name}: cannot run ${program}`, { cause: err })));
    child.on('exit', (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`Cannot build ${name}: ${signal ?? `exit ${status ?? -1}`}, see above`));
    });
  });
}

/** Prints the paths; returns the exit status. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !isTool(name) && !isProduct(name));
  if (names.length === 0 || unknown !== undefined) {
    const complaint = unknown === undefined ? 'names are missing' : `"${unknown}" is none of them`;
    const all = Object.keys(PRODUCTS).flatMap((name) => (isProduct(name) ? [name, ...toolsOf(name)] : []));
    process.stderr.write(`tools: Cannot tell which: ${complaint}; there are ${[...new Set(all)].join(', ')}\n`);
    return 2;
  }
  try {
    const tools = names.flatMap((name) => (isProduct(name) ? toolsOf(name) : isTool(name) ? [name] : []));
    for (const tool of tools) process.stdout.write(`${await ensureTool(tool)}\n`);
    return 0;
  } catch (err) {
    process.stderr.write(`tools: ${(err as Error).message}\n`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
