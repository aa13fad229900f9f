import type { Command as Program } from 'commander';
import { InvalidInput } from '../errors.ts';
import { makeInitialAccessToken } from '../relying-parties/self-registration.ts';
import { examples, print, type Command, type CommandGroup, type CommandOptions, type Run } from './command.ts';

const make: Command = async ({ inTransaction, settings }, options, io) => {
  const uses = wholeOption(options, 'uses', 1, 1000);
  const hours = wholeOption(options, 'hours', 1, 8760);
  const { id, token } = await makeInitialAccessToken(inTransaction, uses, hours * 3600);
  const waits =
    settings.registration === 'initial-access-token' ? [] : ['TWOFOLD_REGISTRATION does not ask for it yet.'];
  print(io, options, { id, initial_access_token: token, uses, hours }, [
    `The initial access token, shown this once: ${token}`,
    `It registers ${uses} clients within ${hours} hours.`,
    ...waits,
  ]);
};

function wholeOption(options: CommandOptions, name: string, least: number, most: number): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidInput(name, `--${name} is a whole number from ${least} to ${most}`);
  }
  return value;
}

export const initialAccessTokenGroup: CommandGroup = {
  commands: { 'clients initial-access-token': make },
  declare,
};

function declare(program: Program, run: Run): void {
  const clients = program.commands.find((command) => command.name() === 'clients') ?? program.command('clients');
  const command = clients.command('initial-access-token').description('a token that lets clients register themselves');
  examples(command, 'clients initial-access-token', 'clients initial-access-token --uses 10 --hours 168')
    .option('--uses <n>', 'how many clients it registers', '1')
    .option('--hours <n>', 'how long it is valid', '24')
    .action((options: CommandOptions) => run('clients initial-access-token', options));
}
