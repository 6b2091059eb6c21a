// One kind of the API: everything the API server, the controllers and the reference need to know of it, in one definition.
import { metadata, type Metadata } from './metadata.ts';
import { decode, type Decoded } from './schema/decode.ts';
import type { Problem } from './schema/problem.ts';
import { object, oneOf, required } from './schema/shape.ts';
import type { Type } from './schema/shape.ts';

export const GROUP = 'data.fluid.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
/** `kubectl get fluid` lists all kinds that are in it. */
export const CATEGORY = 'fluid';

export interface Kind<Spec = unknown, Status = unknown> {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: Type<Spec>;
  readonly specDescription: string;
  readonly status: Type<Status>;
  readonly statusDescription: string;
  readonly columns: readonly Column[];
  readonly scale?: { readonly specPath: string; readonly statusPath: string; readonly selectorPath?: string };
  readonly rules: readonly Rule<Spec>[];
  /** An object as users write it, for the reference. */
  readonly example: string;
}

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly path: string;
  /** Above 0 it shows with `-o wide` only. */
  readonly priority?: number;
}

/** What must hold for an object to be of use, beyond the types of its fields. */
export interface Rule<Spec> extends Problem {
  /**
   * The same for the API server, which then refuses to create such an object. Only for what nothing could ever make work, and never
   * for objects that exist: one that cannot be changed cannot be deleted either, as its finalizers cannot be taken off.
   */
  readonly cel?: string;
  holds(object: { readonly metadata: Pick<Metadata, 'name'>; readonly spec: Spec }): boolean;
}

export interface Resource<Spec, Status> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  /** Absent as well when it cannot be read: it tells of the past, and is written anew. */
  readonly status?: Status;
}

/** Everything that is wrong with metadata and spec is told at once; rules are looked at when the rest is right. */
export function decodeResource<Spec, Status>(kind: Kind<Spec, Status>, json: unknown): Decoded<Resource<Spec, Status>> {
  const head = decode(headOf(kind.kind), json, '');
  const body = (typeof json === 'object' && json !== null ? json : {}) as { spec?: unknown; status?: unknown };
  const spec = decode(kind.spec, body.spec ?? {}, 'spec');
  if (!head.ok || !spec.ok) return { ok: false, problems: [head, spec].flatMap((it) => (it.ok ? [] : it.problems)) };
  const resource: Resource<Spec, Status> = { ...head.value, spec: spec.value };
  const broken = kind.rules.filter((rule) => !rule.holds(resource));
  if (broken.length > 0) return { ok: false, problems: broken.map(({ path, what, fix }) => ({ path, what, fix })) };
  const status = decode(kind.status, body.status ?? undefined, 'status');
  return { ok: true, value: status.ok ? { ...resource, status: status.value } : resource };
}

function headOf(kind: string) {
  return object({
    apiVersion: required(oneOf([API_VERSION]), 'Group and version.'),
    kind: required(oneOf([kind]), 'Kind of the object.'),
    metadata: required(metadata, 'Name and namespace.'),
  });
}
