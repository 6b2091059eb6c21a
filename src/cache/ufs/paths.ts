// Paths of an under storage: bytes, components joined by "/", none of them empty, "." or "..".

const SLASH = 0x2f;
const DOT = 0x2e;
export const NAME_BYTES_MAX = 255;

/** Whether a file system can show it: 1 to 255 bytes, not "." or "..", without "/" and NUL. */
export function isName(name: Buffer): boolean {
  if (name.length === 0 || name.length > NAME_BYTES_MAX) return false;
  if (name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))) return false;
  return !name.includes(SLASH) && !name.includes(0);
}

/** The components of a path, none for the root; undefined for what is no path. */
export function splitPath(path: Buffer): Buffer[] | undefined {
  const names: Buffer[] = [];
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf(SLASH, from);
    const end = slash < 0 ? path.length : slash;
    const name = path.subarray(from, end);
    if (!isName(name) || end === path.length - 1) return undefined; // a slash at the end
    names.push(name);
    from = end + 1;
  }
  return names;
}

export function isPath(path: Buffer): boolean {
  return splitPath(path) !== undefined;
}

/** The path of a name in a folder. */
export function joinPath(folder: Buffer, name: Buffer): Buffer {
  if (folder.length === 0) return name;
  if (name.length === 0) return folder;
  const path = Buffer.allocUnsafe(folder.length + 1 + name.length);
  folder.copy(path);
  path[folder.length] = SLASH;
  name.copy(path, folder.length + 1);
  return path;
}

/** Its last component; empty for the root. */
export function nameOf(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(SLASH) + 1);
}

/** For people and logs. */
export function pathText(path: Buffer): string {
  return `/${path.toString()}`;
}
