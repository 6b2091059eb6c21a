// Rules about names, which Datasets and runtimes have in common.
import type { Rule } from './kind.ts';
import { isLabelName, LABEL_NAME_PATTERN, NAME_LENGTH_MAX } from './names.ts';

/** Names of objects, labels and volumes are made of it, some of which must be DNS labels that begin with a letter (RFC 1035). */
export const nameRule: Rule<unknown> = {
  path: 'metadata.name',
  what: 'it is no DNS label',
  fix: `choose a name of at most ${NAME_LENGTH_MAX} small letters, digits and dashes that begins with a letter and does not end with a dash`,
  cel: `size(self.metadata.name) <= ${NAME_LENGTH_MAX} && self.metadata.name.matches('${LABEL_NAME_PATTERN}')`,
  holds: ({ metadata }) => isLabelName(metadata.name),
};

/** Kubernetes labels the pods of a StatefulSet with its name and a hash, and a label has 63 characters. */
const STATEFUL_SET_NAME_MAX = 52;

/** `suffix`: the longest with which the runtime names a StatefulSet. */
export function lengthRule(suffix: string): Rule<unknown> {
  const lengthMax = STATEFUL_SET_NAME_MAX - suffix.length;
  return {
    path: 'metadata.name',
    what: `the StatefulSet NAME${suffix} gets no pods, as its name is too long for a label`,
    fix: `choose a name of at most ${lengthMax} characters`,
    holds: ({ metadata }) => metadata.name.length <= lengthMax,
  };
}
