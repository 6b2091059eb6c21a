// The file that tells every part of a runtime what the dataset mounts: a JSON list of
//
//     {"mountPoint": "s3://bucket/prefix", "path": "/", "options": {…}, "secretFiles": {…}}
//
// Taken strictly: a field that is misspelt is an error that names it, not an option that is silently missing.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../exit.ts';
import { parseMountPoint, UfsError, type MountSpec } from '../../cache/ufs/index.ts';

const FIELDS = ['mountPoint', 'path', 'options', 'secretFiles'];

/** Secret files are named from the folder of the mounts file on. Throws UsageError that names the file and the field. */
export function readMountsFile(option: string, path: string): MountSpec[] {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot use ${option} "${path}": ${why}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (err) {
    return refuse(err instanceof SyntaxError ? `it is not JSON: ${err.message}` : (err as Error).message);
  }
  if (!Array.isArray(value)) return refuse('a list of mounts is expected');
  if (value.length === 0) return refuse('it lists no mount');
  const mounts = value.map((each: unknown, at) => decodeMount(each, `mount ${at}`, dirname(resolve(path)), refuse));
  const twice = mounts.find((mount, at) => mounts.findIndex((other) => other.path === mount.path) !== at);
  if (twice !== undefined) return refuse(`two mounts have the path "${twice.path}"`);
  return mounts;
}

type Refuse = (why: string) => never;

function decodeMount(value: unknown, where: string, folder: string, refuse: Refuse): MountSpec {
  if (!isObject(value)) return refuse(`${where} is no object`);
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) refuse(`${where} has an unknown field "${unknown}"; there are ${FIELDS.join(', ')}`);
  const { mountPoint, path = '/' } = value;
  if (typeof mountPoint !== 'string') return refuse(`"mountPoint" of ${where} must be a text`);
  if (typeof path !== 'string' || !path.startsWith('/'))
    return refuse(`"path" of ${where} must be a text that begins with "/"`);
  try {
    parseMountPoint(`${path}=${mountPoint}`);
  } catch (err) {
    if (!(err instanceof UfsError)) throw err;
    return refuse(`"mountPoint" or "path" of ${where}: ${err.message}`);
  }
  const secretFiles = texts(value['secretFiles'], `"secretFiles" of ${where}`, refuse);
  return {
    mountPoint,
    path,
    options: texts(value['options'], `"options" of ${where}`, refuse),
    secretFiles: Object.fromEntries(
      Object.entries(secretFiles).map(([name, file]) => [name, readable(resolve(folder, file), name, where, refuse)]),
    ),
  };
}

function texts(value: unknown, what: string, refuse: Refuse): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) return refuse(`${what} must be an object`);
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string') return refuse(`"${name}" in ${what} must be a text`);
      return [name, text];
    }),
  );
}

function readable(file: string, name: string, where: string, refuse: Refuse): string {
  try {
    readFileSync(file);
    return file;
  } catch (err) {
    return refuse(`"${name}" in "secretFiles" of ${where}: ${(err as Error).message}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
