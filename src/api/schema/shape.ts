// How an object of the API is described: plain data, once. From it come the TypeScript type (Infer), the schema the API server
// keeps (open-api.ts), the decoder (decode.ts) and the reference for people (reference.ts).

export type Shape =
  | TextShape
  | { readonly kind: 'integer'; readonly format: 'int32' | 'int64'; readonly minimum?: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'quantity' }
  | { readonly kind: 'list'; readonly of: Shape; readonly minItems?: number }
  | { readonly kind: 'map'; readonly of: Shape }
  | ObjectShape;

export interface TextShape {
  readonly kind: 'text';
  readonly minLength?: number;
  readonly pattern?: string;
  /** What to tell somebody whose text does not match. */
  readonly patternFix?: string;
  readonly format?: 'date-time';
  /** The values there are. */
  readonly words?: readonly string[];
  /** Other values than `words` are taken as well: of a later release, or of another runtime. */
  readonly open?: boolean;
}

export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: Fields;
  /** Fields that are not named here are kept as they are: those of Kubernetes' own types, of which few matter here. */
  readonly open: boolean;
}

/**
 * `required`: the API server refuses an object without it. `needed`: it does not, as Fluid's does not, but nothing can be done
 * without it, so the decoder refuses; empty text is none. `defaulted`: the API server fills it in, and so does the decoder.
 */
export type Presence = 'required' | 'needed' | 'defaulted' | 'optional';

export interface Field<T = unknown, P extends Presence = Presence> {
  readonly presence: P;
  readonly type: Type<T>;
  /** Whole sentences: `kubectl explain` prints them. */
  readonly description: string;
  readonly fallback?: T;
}

export type Fields = Readonly<Record<string, Field>>;

declare const VALUE: unique symbol;

/** A shape that knows the type of its values. */
export type Type<T> = Shape & { readonly [VALUE]?: T };

export type Infer<S> = S extends { readonly [VALUE]?: infer T } ? T : never;

/** As it is written: `2Gi`, `0.5`, `1024`. quantity.ts reads it. */
export type Quantity = string | number;

export type JsonObject = Readonly<Record<string, unknown>>;

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K]['presence'] extends 'optional' ? K : never }[keyof F];
type ValueOf<F extends Field> = Infer<F['type']>;

export type ObjectOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: ValueOf<F[K]>;
} & { readonly [K in OptionalKeys<F>]?: ValueOf<F[K]> };

export function text(limits: Omit<TextShape, 'kind' | 'words' | 'open'> = {}): Type<string> {
  return { kind: 'text', ...limits };
}

/** RFC 3339, in UTC: `2026-11-21T14:00:00Z`. */
export function time(): Type<string> {
  return { kind: 'text', format: 'date-time' };
}

/** One of these words and nothing else. */
export function oneOf<const W extends string>(words: readonly W[]): Type<W> {
  return { kind: 'text', words };
}

/** One of these words, as far as is known today. */
export function usually<const W extends string>(words: readonly W[]): Type<W | (string & {})> {
  return { kind: 'text', words, open: true };
}

export function int32(limits: { minimum?: number } = {}): Type<number> {
  return { kind: 'integer', format: 'int32', ...limits };
}

export function int64(): Type<number> {
  return { kind: 'integer', format: 'int64' };
}

export function flag(): Type<boolean> {
  return { kind: 'flag' };
}

export function quantity(): Type<Quantity> {
  return { kind: 'quantity' };
}

export function list<T>(of: Type<T>, limits: { minItems?: number } = {}): Type<readonly T[]> {
  return { kind: 'list', of, ...limits };
}

export function map<T>(of: Type<T>): Type<Readonly<Record<string, T>>> {
  return { kind: 'map', of };
}

export function object<F extends Fields>(fields: F): Type<ObjectOf<F>> {
  return { kind: 'object', fields, open: false };
}

/** An object that may have more fields than these. */
export function openObject<F extends Fields>(fields: F): Type<ObjectOf<F> & JsonObject> {
  return { kind: 'object', fields, open: true };
}

export function required<T>(type: Type<T>, description: string): Field<T, 'required'> {
  return { presence: 'required', type, description };
}

export function needed<T>(type: Type<T>, description: string): Field<T, 'needed'> {
  return { presence: 'needed', type, description };
}

export function optional<T>(type: Type<T>, description: string): Field<T, 'optional'> {
  return { presence: 'optional', type, description };
}

export function defaulted<T>(type: Type<T>, fallback: T, description: string): Field<T, 'defaulted'> {
  return { presence: 'defaulted', type, description, fallback };
}

/** A field of Fluid that changes nothing here. It is kept, so that an object written for Fluid stays as it was written. */
export function kept<T>(type: Type<T>, description: string): Field<T, 'optional'> {
  return optional(type, `${description} Kept as it is; it has no effect here.`);
}
