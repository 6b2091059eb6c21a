// Programs that tests and benches run, built from their Go modules: an S3 server, and others to compare with.
//
//   node scripts/tools.ts NAME…     prints the path of each, after building what is not there yet
//
// Each has a go.mod and a go.sum of its own under scripts/tools/, which pin every source file. What is built is kept outside
// the checkout, in a folder named for everything that decides what comes out: another pin is another folder. A binary is
// either whole or absent, and of several builders at once one builds.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const TOOLS = {
  /** An S3 server. */
  minio: { package: 'github.com/minio/minio', cgo: false, tags: [] },
  rclone: { package: 'github.com/rclone/rclone', cgo: false, tags: [] },
  /** Without the metadata engines and storages nobody uses here: Redis and S3 stay. Its zstd is C. */
  juicefs: {
    package: 'github.com/juicedata/juicefs',
    cgo: true,
    tags: [
      ...['nogateway', 'nowebdav', 'nocos', 'nobos', 'nohdfs', 'noibmcos', 'noobs', 'nooss', 'noqingstor', 'nosftp'],
      ...['noswift', 'noazure', 'nogs', 'noufile', 'nob2', 'nonfs', 'nodragonfly', 'nosqlite', 'nomysql', 'nopg'],
      ...['notikv', 'nobadger', 'noetcd'],
    ],
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

interface Tool {
  package: string;
  /** Needs a C compiler. */
  cgo: boolean;
  tags: readonly string[];
}

/** A build from nothing, its modules downloaded, on a machine that does other things too. */
const BUILD_TIMEOUT_S = 1800;

/** Runs under the lock: whoever waited for another's build finds it done. */
const BUILD_IF_ABSENT =
  'test -x "$1" || { echo "tools: building $2 (once, takes minutes)" >&2; go build -o "$3" -trimpath -buildvcs=false -ldflags "-s -w" -tags "$4" "$5" && mv "$3" "$1"; }';

/** The program's absolute path. Builds it first if need be, which takes minutes and says so on standard error. */
export async function ensureTool(name: ToolName): Promise<string> {
  const tool: Tool = TOOLS[name];
  const source = join(import.meta.dirname, 'tools', name);
  const folder = join(cacheFolder(), `${name}-${keyOf(name, tool, source)}`);
  const program = join(folder, name);
  if (isProgram(program)) return program;
  mkdirSync(folder, { recursive: true });
  const build = ['sh', '-c', BUILD_IF_ABSENT, 'sh', program, name, `${program}.new`, tool.tags.join(','), tool.package];
  await run(
    ['flock', '--timeout', String(BUILD_TIMEOUT_S), join(folder, 'lock'), 'timeout', String(BUILD_TIMEOUT_S), ...build],
    source,
    { ...process.env, CGO_ENABLED: tool.cgo ? '1' : '0' },
    name,
  );
  if (!isProgram(program)) throw new Error(`Cannot build ${name}: nothing came of it in ${folder}`);
  return program;
}

function cacheFolder(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(given === '' ? join(homedir(), '.cache') : given, 'evermount', 'tools');
}

function keyOf(name: ToolName, tool: Tool, source: string): string {
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
  const hash = createHash('sha256').update(`${stdout}\0${tool.package}\0${tool.tags.join(',')}\0${tool.cgo}\0`);
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
function run(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv, name: ToolName): Promise<void> {
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

function isToolName(name: string): name is ToolName {
  return Object.hasOwn(TOOLS, name);
}

/** Prints the paths; returns the exit status. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !isToolName(name));
  if (names.length === 0 || unknown !== undefined) {
    const complaint = unknown === undefined ? 'names are missing' : `"${unknown}" is none of them`;
    process.stderr.write(`tools: Cannot tell which: ${complaint}; there are ${Object.keys(TOOLS).join(', ')}\n`);
    return 2;
  }
  try {
    for (const name of names.filter(isToolName)) process.stdout.write(`${await ensureTool(name)}\n`);
    return 0;
  } catch (err) {
    process.stderr.write(`tools: ${(err as Error).message}\n`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
