// What a command is.

export interface Command {
  /** Printed by --help. */
  readonly help: string;
  /** Returns the exit status, or undefined when the process goes on by itself. */
  run(args: string[]): Promise<number | undefined>;
}
