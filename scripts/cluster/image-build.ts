// The images a new cluster holds: Debian, made with debootstrap and buildah, needs no registry. They are built once, as an OCI
// layout, and kept outside the checkout in a folder named for their recipe, whole or absent.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../tools.ts';
import { withLock } from './lock.ts';
import { run } from './run.ts';

const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
const INSTALL_NGINX =
  'apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin';
/** What is mounted on the way is gone with whoever mounted it. */
const OWN_MOUNTS = ['unshare', '--mount', '--propagation', 'private'];
const BUILD_TIMEOUT_MS = 900_000;

/** Each image, and the names under which nodes pull it. Those of nginx are what walk-throughs say. */
export const IMAGES = {
  pause: ['library/pause:1'],
  debian: [`library/debian:${SUITE}-slim`],
  nginx: ['library/nginx:latest', 'openanolis/nginx:1.14.1-8.6'],
} as const;

type ImageName = keyof typeof IMAGES;

/** Where skopeo and buildah find an image, "oci:FOLDER:NAME". Builds all of them first if need be. */
export async function ensureImage(name: ImageName): Promise<string> {
  return `oci:${await ensureImages()}:${name}`;
}

/** The folder of the layout with all of them. Of several builders at once one builds. */
export async function ensureImages(): Promise<string> {
  const folder = join(cacheFolder('images'), keyOf());
  const layout = join(folder, 'oci');
  if (existsSync(layout)) return layout;
  mkdirSync(folder, { recursive: true });
  return withLock(join(folder, 'lock'), async () => {
    if (existsSync(layout)) return layout;
    process.stderr.write('cluster: building images (once, takes a minute)\n');
    const work = join(folder, 'new');
    await removeTree(work); // of a builder that was killed
    mkdirSync(work);
    await buildAll(work);
    renameSync(join(work, 'oci'), layout);
    await removeTree(work);
    return layout;
  });
}

async function buildAll(work: string): Promise<void> {
  const root = join(work, 'root');
  const alone = (...command: readonly string[]): Promise<string> =>
    run([...OWN_MOUNTS, ...command], { timeoutMs: BUILD_TIMEOUT_MS });
  await alone('debootstrap', '--variant=minbase', SUITE, root, MIRROR);
  for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists']) {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path, 'partial'), { recursive: true });
  }

  const buildah = async (...args: readonly string[]): Promise<string> => {
    const storage = ['--root', join(work, 'storage'), '--runroot', join(work, 'runroot')];
    return (await alone('buildah', ...storage, ...args)).trim();
  };
  const finish = async (container: string, name: ImageName): Promise<void> => {
    await buildah('commit', '--quiet', '--rm', container, `localhost/${name}`);
    await buildah('push', '--quiet', `localhost/${name}`, `oci:${join(work, 'oci')}:${name}`);
  };

  const pause = await buildah('from', 'scratch');
  await buildah('add', '--quiet', pause, '/usr/bin/catatonit', '/pause');
  await buildah('config', '--entrypoint', '["/pause", "-P"]', pause);
  await finish(pause, 'pause');

  const debian = await buildah('from', 'scratch');
  await buildah('add', '--quiet', debian, root, '/');
  await buildah('config', '--cmd', '["bash"]', debian);
  await finish(debian, 'debian');

  const nginx = await buildah('from', '--pull-never', 'localhost/debian');
  await buildah('run', '--isolation', 'chroot', '--network', 'host', nginx, '--', 'sh', '-c', INSTALL_NGINX);
  await buildah('config', '--cmd', '["nginx", "-g", "daemon off;"]', '--port', '80', nginx);
  await finish(nginx, 'nginx');
}

async function removeTree(path: string): Promise<void> {
  await run(['rm', '-rf', '--one-file-system', path], { timeoutMs: BUILD_TIMEOUT_MS });
}

/** This file is the recipe. */
function keyOf(): string {
  return createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(process.arch)
    .digest('hex')
    .slice(0, 16);
}
