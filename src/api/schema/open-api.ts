// A shape as the API server wants it: a structural schema of OpenAPI v3. It decides what is kept of an object, and what
// `kubectl explain` says.
import { unreachable } from '../../base/index.ts';
import { QUANTITY_PATTERN } from '../quantity.ts';
import type { Field, ObjectShape, Shape, TextShape } from './shape.ts';

export type OpenApiSchema = { readonly [key: string]: unknown };

export function openApiOf(shape: Shape): OpenApiSchema {
  switch (shape.kind) {
    case 'text':
      return textSchema(shape);
    case 'integer': {
      const { format, minimum } = shape;
      return { type: 'integer', format, ...(minimum === undefined ? {} : { minimum }) };
    }
    case 'flag':
      return { type: 'boolean' };
    case 'quantity':
      return {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        pattern: QUANTITY_PATTERN,
        'x-kubernetes-int-or-string': true,
      };
    case 'list':
      return {
        type: 'array',
        ...(shape.minItems === undefined ? {} : { minItems: shape.minItems }),
        items: openApiOf(shape.of),
      };
    case 'map':
      return { type: 'object', additionalProperties: openApiOf(shape.of) };
    case 'object':
      return objectSchema(shape);
    default:
      return unreachable(shape);
  }
}

export function propertyOf({ type, description, fallback }: Field): OpenApiSchema {
  return { description, ...openApiOf(type), ...(fallback === undefined ? {} : { default: fallback }) };
}

function textSchema({ minLength, pattern, format, words, open }: TextShape): OpenApiSchema {
  return {
    type: 'string',
    ...(minLength === undefined ? {} : { minLength }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(format === undefined ? {} : { format }),
    ...(words === undefined || open === true ? {} : { enum: words }),
  };
}

function objectSchema({ fields, open }: ObjectShape): OpenApiSchema {
  const names = Object.keys(fields);
  const required = names.filter((name) => fields[name]?.presence === 'required');
  const properties = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, propertyOf(field)]));
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(names.length === 0 ? {} : { properties }),
    ...(open ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
  };
}
