import type { CommandOptions } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import type { Services } from '../../src/compose/services.ts';

/** Runs a command of the command line over a composed service; answers the lines of its result. */
export async function runCommand(
  services: Services,
  name: string,
  options: CommandOptions = {},
  input: readonly string[] = [],
): Promise<string[]> {
  const lines: string[] = [];
  const io = {
    lines: (async function* () {
      yield* input;
    })(),
    out: (line: string) => lines.push(line),
    progress: () => {},
  };
  const command = commands[name];
  if (command === undefined) throw new Error(`there is no command '${name}'`);
  await command(services, options, io);
  return lines;
}

/** The same with `--json`. */
export async function runJson<Value = Record<string, unknown>>(
  services: Services,
  name: string,
  options: CommandOptions = {},
  input: readonly string[] = [],
): Promise<Value[]> {
  const lines = await runCommand(services, name, { ...options, json: true }, input);
  return lines.map((line) => JSON.parse(line) as Value);
}
