import { Command as Program } from 'commander';
import { productVersion } from '../compose/product-version.ts';
import { examples, type Run } from './command.ts';
import { groups } from './commands.ts';
import { declareCompletion } from './completion.ts';

export interface ProgramActs {
  /** How a command reaches the stores. */
  readonly run: Run;
  /** Becomes the service. */
  readonly serve: () => void;
}

/** The whole command line as it is declared. */
export function createProgram({ run, serve }: ProgramActs): Program {
  const program = new Program('twofold').description('An OpenID Connect identity provider with a second factor');
  program.version(productVersion(), '--version', 'print the version');
  program.option('--json', 'print JSON, one value a line');
  // One line, for the people and programs that read standard error.
  const outputError = (text: string, write: (text: string) => void): void =>
    write(
      `twofold: ${text
        .trim()
        .replace(/^error: /, '')
        .replaceAll(/\s*\n\s*/g, ' ')}\n`,
    );
  program.configureOutput({ outputError });
  examples(program.command('serve').description('run the service'), 'serve').action(serve);
  for (const group of groups) group.declare(program, run);
  declareCompletion(program);
  return program;
}
