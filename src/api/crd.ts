// The CustomResourceDefinition of a kind.
import { CATEGORY, GROUP, VERSION, type Column, type Kind, type Rule } from './kind.ts';
import { openApiOf, type OpenApiSchema } from './schema/open-api.ts';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: OpenApiSchema;
    readonly scope: 'Namespaced';
    readonly versions: readonly [CustomResourceVersion];
  };
}

export interface CustomResourceVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
  readonly subresources: OpenApiSchema;
  readonly additionalPrinterColumns: readonly OpenApiSchema[];
}

export function crdOf(kind: Kind): CustomResourceDefinition {
  const { plural, singular, shortName, scale } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular,
        shortNames: [shortName],
        categories: [CATEGORY],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns.map(columnOf),
          schema: { openAPIV3Schema: rootSchema(kind) },
          subresources: { status: {}, ...(scale === undefined ? {} : { scale: scaleOf(scale) }) },
        },
      ],
    },
  };
}

function rootSchema(kind: Kind): OpenApiSchema {
  const rules = kind.rules.flatMap(admissionRule);
  return {
    description: kind.description,
    type: 'object',
    properties: {
      apiVersion: { description: 'Group and version of the API.', type: 'string' },
      kind: { description: 'Kind of the object.', type: 'string' },
      metadata: { type: 'object' },
      spec: { description: kind.specDescription, ...openApiOf(kind.spec) },
      status: { description: kind.statusDescription, ...openApiOf(kind.status) },
    },
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
  };
}

/** An object that is created has no status: the API server takes it away. One with a status exists, and may always be changed. */
function admissionRule({ cel, path, what, fix }: Rule<unknown>): OpenApiSchema[] {
  return cel === undefined ? [] : [{ rule: `has(self.status) || (${cel})`, message: `${path}: ${what}; ${fix}` }];
}

function columnOf({ name, type, path, priority }: Column): OpenApiSchema {
  return { name, type, jsonPath: path, ...(priority === undefined ? {} : { priority }) };
}

function scaleOf({ specPath, statusPath, selectorPath }: NonNullable<Kind['scale']>): OpenApiSchema {
  return {
    specReplicasPath: specPath,
    statusReplicasPath: statusPath,
    ...(selectorPath === undefined ? {} : { labelSelectorPath: selectorPath }),
  };
}
