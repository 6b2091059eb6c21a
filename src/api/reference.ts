// The reference of a kind for people, as Markdown.
import { API_VERSION, CATEGORY, type Kind } from './kind.ts';
import { unreachable } from '../base/index.ts';
import { fieldPath } from './schema/problem.ts';
import type { Field, ObjectShape, Shape } from './schema/shape.ts';

export function referenceOf(kind: Kind): string {
  const sections = [
    `# ${kind.kind}`,
    kind.description,
    `\`${API_VERSION}\`, namespaced. \`kubectl get ${kind.shortName}\`, or with all others \`kubectl get ${CATEGORY}\`. The same on a cluster: \`kubectl explain ${kind.singular} --recursive\`.`,
    `\`\`\`yaml\n${kind.example}\`\`\``,
    ...fieldsOf(kind.spec, 'spec', kind.specDescription),
    ...(kind.rules.length === 0 ? [] : ['## What else must hold', rulesOf(kind)]),
    '## Columns of `kubectl get`',
    columnsOf(kind),
    ...fieldsOf(kind.status, 'status', kind.statusDescription),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** One section for each object that has fields of its own. One that is in several places is told of once. */
function fieldsOf(shape: Shape, path: string, description: string): string[] {
  const places = new Map<ObjectShape, string[]>();
  collect(shape, path, places);
  return [`## ${path}`, description, ...[...places].map(([object, at], nth) => tableOf(object, nth === 0 ? [] : at))];
}

function collect(shape: Shape, path: string, places: Map<ObjectShape, string[]>): void {
  const found = objectIn(shape, path);
  if (found === undefined) return;
  const { object, at } = found;
  const known = places.get(object);
  if (known !== undefined) {
    known.push(at);
    return;
  }
  places.set(object, [at]);
  for (const [name, field] of Object.entries(object.fields)) collect(field.type, fieldPath(at, name), places);
}

function tableOf({ fields, open }: ObjectShape, places: readonly string[]): string {
  const rows = Object.entries(fields).map(([name, field]) => row(`\`${name}\``, typeOf(field.type), meaning(field)));
  return [
    ...(places.length === 0 ? [] : [`### ${places.join(', ')}`]),
    [row('field', 'type', 'meaning'), row('---', '---', '---'), ...rows].join('\n'),
    ...(open ? ['It has all other fields of Kubernetes too; they mean what they mean there.'] : []),
  ].join('\n\n');
}

/** The object that a field holds: itself, in a list or as values of a map. None without fields to tell of. */
function objectIn(shape: Shape, at: string): { object: ObjectShape; at: string } | undefined {
  switch (shape.kind) {
    case 'object':
      return Object.keys(shape.fields).length === 0 ? undefined : { object: shape, at };
    case 'list':
      return objectIn(shape.of, `${at}[]`);
    case 'map':
      return objectIn(shape.of, `${at}.*`);
    default:
      return undefined;
  }
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return shape.format === 'date-time' ? 'time' : 'text';
    case 'integer':
      return 'number';
    case 'flag':
      return 'true or false';
    case 'quantity':
      return 'quantity';
    case 'list':
      return `list of ${typeOf(shape.of)}`;
    case 'map':
      return `map to ${typeOf(shape.of)}`;
    case 'object':
      return 'object';
    default:
      return unreachable(shape);
  }
}

function meaning({ presence, description, fallback, type }: Field): string {
  const words = type.kind === 'text' && type.open !== true ? (type.words ?? []) : [];
  return [
    presence === 'required' || presence === 'needed' ? '**Required.**' : '',
    description,
    words.length === 0 ? '' : `One of ${words.map((word) => `\`${word === '' ? '""' : word}\``).join(', ')}.`,
    fallback === undefined ? '' : `Default: \`${JSON.stringify(fallback)}\`.`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function rulesOf(kind: Kind): string {
  const rows = kind.rules.map(({ path, what, fix, cel }) =>
    row(`\`${path}\``, `${what}; ${fix}`, cel === undefined ? 'an event on the object' : 'the API server, at creation'),
  );
  return [row('field', 'refused if', 'by'), row('---', '---', '---'), ...rows].join('\n');
}

function columnsOf(kind: Kind): string {
  const rows = kind.columns.map(({ name, path, priority }) =>
    row(name.toUpperCase(), `\`${path}\``, (priority ?? 0) > 0 ? 'with `-o wide`' : 'always'),
  );
  return [row('column', 'shows', 'when'), row('---', '---', '---'), ...rows].join('\n');
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
