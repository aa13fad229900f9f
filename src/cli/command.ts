import type { Command as Program } from 'commander';
import type { Services } from '../compose/services.ts';

/** Where a command reads from and writes to: this process, or a connection to the running service. */
export interface CommandIo {
  /** Lines of standard input. */
  readonly lines: AsyncIterable<string>;
  /** A line of the result. What makes many of them waits for each, so that a slow reader slows the work. */
  out(line: string): unknown;
  /** A line about the work, for people who wait. */
  progress(line: string): void;
  /** Says that the input was taken in, for good, up to this line. */
  checkpoint?(line: number): unknown;
}

export type CommandOptions = Readonly<Record<string, unknown>>;

/**
 * A command is a function of the services. It is run in this process, or, where the embedded database is in use by the
 * running service, sent to it as its name and options. Throws a `Fault` for what is wrong.
 */
export type Command = (services: Services, options: CommandOptions, io: CommandIo) => Promise<void>;

/** What a command is given beside its options: lines of a file, of standard input, or made here. */
export interface CommandInput {
  readonly lines?: AsyncIterable<string>;
  readonly checkpoint?: (line: number) => unknown;
  /** False leaves the database's form as it is, for looking at it. */
  readonly migrates?: boolean;
  /** Where the result goes, if not to standard output. */
  readonly out?: (line: string) => unknown;
}

/** Runs a command where the stores are: in this process, or in the service that owns the embedded database. */
export type Run = (name: string, options: CommandOptions, input?: CommandInput) => Promise<void>;

/** The commands of one subject: what they do with the stores, and how they are declared, with their options. */
export interface CommandGroup {
  readonly commands: Readonly<Record<string, Command>>;
  declare(program: Program, run: Run): void;
}

/** Appends examples to a command's help. */
export function examples(command: Program, ...lines: readonly string[]): Program {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ twofold ${line}`).join('\n')}`);
}

/** How the command line stands in the record. */
export const commandLine = {
  actor: 'command-line',
  context: { requestId: 'command-line', address: '', userAgent: '' },
} as const;

export function textOption(options: CommandOptions, name: string): string {
  const value = options[name];
  return typeof value === 'string' ? value : '';
}

/** Prints a result as JSON where `--json` asks for it, else as lines for people. */
export function print(io: CommandIo, options: CommandOptions, value: unknown, lines: readonly string[]): void {
  if (options['json'] === true) io.out(JSON.stringify(value));
  else for (const line of lines) io.out(line);
}
