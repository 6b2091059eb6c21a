// What is wrong with an object that somebody wrote, for that person: where, what, and what to do about it.

export interface Problem {
  /** As `kubectl explain` and `jsonpath` name it: `spec.mounts[0].options["fs.oss.endpoint"]`. */
  readonly path: string;
  /** Follows the path and a colon. */
  readonly what: string;
  /** An order to the reader. */
  readonly fix: string;
}

const SHOWN_MAX = 5;
/** What Kubernetes takes as the message of an event. */
const CHARACTERS_MAX = 1024;

/** `Cannot use spec.replicas: it is text; write a whole number without quotes`. */
export function describeProblem(problem: Problem): string {
  return `Cannot use ${problem.path === '' ? 'the object' : problem.path}: ${problem.what}; ${problem.fix}`;
}

/** One sentence for each of the first five. Fits into an event. */
export function describeProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, SHOWN_MAX).map(describeProblem);
  const more = problems.length - shown.length;
  const whole = [...shown, ...(more > 0 ? [`And ${more} more`] : [])].join('. ');
  return whole.length > CHARACTERS_MAX ? `${whole.slice(0, CHARACTERS_MAX - 1)}…` : whole;
}

export function fieldPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

/** Names with dots or slashes in them cannot be told from a path. */
export function keyPath(parent: string, key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? fieldPath(parent, key) : `${parent}[${JSON.stringify(key)}]`;
}
