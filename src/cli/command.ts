// What a command is.

export interface Command {
  /** Printed by --help. */
  readonly help: string;
  /** Returns the exit status. */
  run(args: string[]): Promise<number>;
}
