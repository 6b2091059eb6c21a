// What the mounts and access modes of a Dataset come to, with everything filled in that may be left out.
import type { DatasetSpec, EncryptOption, Mount } from './dataset.ts';

/** A mount on its own: shared options are in it. */
export interface EffectiveMount {
  readonly mountPoint: string;
  readonly name: string;
  /** Begins with a slash. */
  readonly path: string;
  readonly options: Readonly<Record<string, string>>;
  /** Name of the option → where its value is. */
  readonly secretOptions: Readonly<Record<string, SecretKey>>;
  readonly readOnly: boolean;
  readonly shared: boolean;
}

export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

/** Of two options with the same name the mount's own is taken. */
export function effectiveMounts(spec: DatasetSpec): EffectiveMount[] {
  return (spec.mounts ?? []).map((mount) => ({
    mountPoint: mount.mountPoint,
    name: mount.name ?? '',
    path: pathOf(mount),
    options: { ...spec.sharedOptions, ...mount.options },
    secretOptions: Object.fromEntries(
      [...(spec.sharedEncryptOptions ?? []), ...(mount.encryptOptions ?? [])].map(secretOption),
    ),
    readOnly: mount.readOnly ?? false,
    shared: mount.shared ?? false,
  }));
}

/** Never empty. */
export function accessModesOf({ accessModes }: DatasetSpec): readonly string[] {
  return accessModes === undefined || accessModes.length === 0 ? ['ReadOnlyMany'] : accessModes;
}

/** Whether nobody may write to the volume. */
export function isReadOnly(spec: DatasetSpec): boolean {
  return accessModesOf(spec).every((mode) => mode === 'ReadOnlyMany');
}

export function placementOf({ placement }: DatasetSpec): 'Exclusive' | 'Shared' {
  return placement === 'Shared' ? 'Shared' : 'Exclusive';
}

function pathOf({ path, name }: Mount): string {
  return path?.startsWith('/') === true ? path : `/${name ?? ''}`;
}

function secretOption({ name, valueFrom }: EncryptOption): [string, SecretKey] {
  return [name, { secret: valueFrom.secretKeyRef.name, key: valueFrom.secretKeyRef.key }];
}
