// Images in the registry of a cluster. Nodes pull every name from it, whatever registry the name begins with.
import { existsSync, statSync } from 'node:fs';
import { ensureImages, IMAGES } from './image-build.ts';
import { REGISTRY, type Place } from './place.ts';
import { run } from './run.ts';

const COPY_TIMEOUT_MS = 300_000;

/** What a new cluster holds. */
export async function loadImages(place: Place): Promise<void> {
  const layout = await ensureImages();
  for (const [image, names] of Object.entries(IMAGES)) {
    for (const name of names) await copy(place, `oci:${layout}:${image}`, name);
  }
}

/**
 * Puts an image into the registry. `source` is a docker-archive (a file), an OCI layout (a folder), anything skopeo knows
 * ("docker-daemon:…", "containers-storage:…"), or the name of an image that buildah built here. `name` is what manifests will
 * say; by default that of the source.
 */
export async function loadImage(place: Place, source: string, name?: string): Promise<string> {
  const from = await locate(source);
  const called = name ?? (await nameOf(source));
  await copy(place, from, repositoryOf(called));
  return called;
}

/** "docker.io/nginx" → "library/nginx:latest": what is asked of the registry for an image of this name. */
export function repositoryOf(name: string): string {
  const parts = name.split('/');
  const [first = ''] = parts;
  const hasDomain = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  const path = (hasDomain ? parts.slice(1) : parts).join('/');
  const isOfDocker = !hasDomain || first === 'docker.io' || first === 'index.docker.io';
  const repository = isOfDocker && !path.includes('/') ? `library/${path}` : path;
  return /:[^/]+$/.test(repository) ? repository : `${repository}:latest`;
}

async function locate(source: string): Promise<string> {
  if (existsSync(source)) return `${statSync(source).isDirectory() ? 'oci' : 'docker-archive'}:${source}`;
  return /^(docker-daemon|containers-storage|docker-archive|oci|oci-archive|dir):/.test(source)
    ? source
    : `containers-storage:${source}`;
}

async function nameOf(source: string): Promise<string> {
  if (existsSync(source) && statSync(source).isFile()) {
    const manifest = JSON.parse(await run(['tar', '--extract', '--to-stdout', '--file', source, 'manifest.json'])) as {
      RepoTags?: string[];
    }[];
    const tag = manifest[0]?.RepoTags?.[0];
    if (tag !== undefined) return tag;
    throw new Error(`Cannot tell the name of the image in ${source}: it has none, give one after it`);
  }
  if (existsSync(source)) throw new Error(`Cannot tell the name of the image in ${source}: give one after it`);
  return source.replace(/^(docker-daemon|containers-storage):/, '');
}

async function copy(place: Place, from: string, repository: string): Promise<void> {
  const to = ['--dest-tls-verify=false', from, `docker://${REGISTRY}/${repository}`];
  await run([...place.within('cp'), 'skopeo', '--insecure-policy', 'copy', '--quiet', ...to], {
    timeoutMs: COPY_TIMEOUT_MS,
  });
}
