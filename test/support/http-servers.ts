// Real web servers for tests: nginx and Apache, each on a loopback port and in a folder of its own, as any user or root.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statusOf } from './processes.ts';
import { IS_ROOT, isInstalled } from './require-fuse.ts';
import { until, within } from './wait.ts';

const PORT_TRIES = 5;
const STOP_MS = 10_000;

export interface HttpServer {
  /** "http://127.0.0.1:PORT/" */
  readonly url: string;
  /** What it shows. */
  readonly root: string;
  stop(): Promise<void>;
}

/** For a test's `skip` option, as requireFuse: with REQUIRE_FUSE=1 a missing program is a failure. */
export function requireProgram(program: string): string | false {
  if (isInstalled(program)) return false;
  if (process.env['REQUIRE_FUSE'] === '1') throw new Error(`Cannot test without ${program} (REQUIRE_FUSE=1)`);
  return `needs the program ${program}`;
}

/** nginx with `autoindex on`; `extra` is added to its server block. */
export function startNginx(extra = ''): Promise<HttpServer> {
  return start((base, port) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (each) => `${each}_temp_path ${base}/${each};`,
    );
    const config = `
      daemon off;
      master_process off;
      pid ${base}/nginx.pid;
      error_log ${base}/error.log;
      events { worker_connections 512; }
      http {
        access_log off;
        ${temporary.join('\n')}
        default_type application/octet-stream;
        server { listen 127.0.0.1:${port}; root ${base}/root; autoindex on; ${extra} }
      }`;
    writeFileSync(join(base, 'nginx.conf'), config);
    return { program: 'nginx', args: ['-p', base, '-e', join(base, 'error.log'), '-c', join(base, 'nginx.conf')] };
  });
}

const APACHE_MODULES = '/usr/lib/apache2/modules';

/** Apache with mod_autoindex; `indexOptions` as its directive takes them, none for the plain list; `extra` for the folder. */
export function startApache(indexOptions: string, extra = ''): Promise<HttpServer> {
  return start((base, port) => {
    const modules = ['mpm_event', 'authz_core', 'autoindex', 'dir', 'mime', 'headers', 'alias'];
    const config = `
      ServerRoot ${base}
      PidFile ${base}/apache.pid
      Listen 127.0.0.1:${port}
      ServerName localhost
      ${modules.map((each) => `LoadModule ${each}_module ${APACHE_MODULES}/mod_${each}.so`).join('\n')}
      ${IS_ROOT ? 'User nobody\nGroup nogroup' : ''}
      TypesConfig /dev/null
      ErrorLog ${base}/error.log
      Mutex file:${base} default
      DocumentRoot ${base}/root
      <Directory ${base}/root>
        Options +Indexes
        Require all granted
        ${indexOptions === '' ? '' : `IndexOptions ${indexOptions}`}
        ${extra}
      </Directory>`;
    writeFileSync(join(base, 'apache.conf'), config);
    return { program: 'apache2', args: ['-d', base, '-f', join(base, 'apache.conf'), '-D', 'FOREGROUND'] };
  });
}

type Configure = (base: string, port: number) => { program: string; args: string[] };

/** A free port may be taken before the server has it, so that is tried again. */
async function start(configure: Configure): Promise<HttpServer> {
  for (let tries = 1; ; tries += 1) {
    const base = mkdtempSync(join(tmpdir(), 'evermount-http-'));
    chmodSync(base, 0o755); // the server may run as somebody else
    mkdirSync(join(base, 'root'));
    const port = await freePort();
    const { program, args } = configure(base, port);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let printed = '';
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const stop = async (): Promise<void> => {
      await end(child);
      rmSync(base, { recursive: true });
    };
    const url = `http://127.0.0.1:${port}/`;
    try {
      await until(`${program} to answer`, async () => {
        if (child.exitCode !== null) throw new Error(`Cannot start ${program}: ${printed}${logOf(base)}`);
        return (await fetch(url).catch(() => undefined)) !== undefined;
      });
      return { url, root: join(base, 'root'), stop };
    } catch (err) {
      await stop();
      if (tries === PORT_TRIES) throw err;
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = statusOf(child);
  child.kill('SIGTERM');
  try {
    await within(STOP_MS, 'the web server to end', ended);
  } catch (err) {
    child.kill('SIGKILL');
    throw err;
  }
}

function logOf(base: string): string {
  try {
    return readFileSync(join(base, 'error.log'), 'utf8');
  } catch {
    return '';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
