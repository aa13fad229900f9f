import type { Services } from '../compose/services.ts';

/** Where a command reads from and writes to: this process, or a connection to the running service. */
export interface CommandIo {
  /** Lines of standard input. */
  readonly lines: AsyncIterable<string>;
  /** A line of the result. */
  out(line: string): void;
  /** A line about the work, for people who wait. */
  progress(line: string): void;
}

export type CommandOptions = Readonly<Record<string, unknown>>;

/**
 * A command is a function of the services. It is run in this process, or, where the embedded database is in use by the
 * running service, sent to it as its name and options. Throws a `Fault` for what is wrong.
 */
export type Command = (services: Services, options: CommandOptions, io: CommandIo) => Promise<void>;

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
