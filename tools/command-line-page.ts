import type { Command } from 'commander';
import { createProgram } from '../src/cli/program.ts';

/** The page of the command line, from the commands as they are declared. */
export function generatedFiles(): Record<string, string> {
  const program = createProgram({ run: async () => {}, serve: () => {} });
  return {
    'docs/command-line.md': `${[...head, ...program.commands.flatMap((one) => sections(one, ''))].join('\n')}\n`,
  };
}

const head = [
  '# The command line',
  '',
  '<!-- Generated from the commands themselves by "npm run generate". -->',
  '',
  '`npm run twofold -- COMMAND` or `node bin/twofold.mjs COMMAND`. On the embedded default, whose folder one process owns,',
  'commands go to the running service over `data/control.sock` (mode 0600), and open the folder themselves when none runs.',
  'With `DATABASE_URL` they go to that database. `--json` prints one JSON value a line. A failure ends with a status other',
  'than 0 and one line on standard error; wrong settings end with status 78. No secret is taken from an argument.',
];

function sections(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`.trim();
  if (command.commands.length > 0) return command.commands.flatMap((sub) => sections(sub, name));
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.configureHelp({ helpWidth: 100 });
  command.outputHelp();
  return [
    '',
    `## twofold ${name}`,
    '',
    '```text',
    ...help
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd()),
    '```',
  ];
}
