import type { Command as Program } from 'commander';
import { Fault, InvalidInput } from '../errors.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandOptions, Run } from './command.ts';
import { chosen, whereHelp } from './where.ts';

const reset: Command = (services, options, io) => act(services, options, io, 'reset');
const reopen: Command = (services, options, io) => act(services, options, io, 'reopen');

/** Both void the password and answer the link by which the person sets a new one. */
async function act(...[services, options, io, what]: [...Parameters<Command>, 'reset' | 'reopen']): Promise<void> {
  const { resetSecondFactor, settings } = services;
  const reason = textOption(options, 'reason').trim();
  if (reason === '') throw new InvalidInput('reason', 'say why, with --reason');
  const users = await chosen(services, options);
  const { actor, context } = commandLine;
  let failed = 0;
  for (const [at, user] of users.entries()) {
    if (options['dryRun'] === true) {
      print(io, options, { id: user.id, username: user.username, dry_run: true }, [`would ${what} ${user.username}`]);
      continue;
    }
    try {
      const token = await resetSecondFactor[what]({ userId: user.id, actor, reason, context });
      const url = `${settings.issuer}/set-up/${token}`;
      print(io, options, { id: user.id, username: user.username, recovery_url: url }, [
        `The second factor of ${user.username} was ${what === 'reset' ? 'reset' : 'reopened'}. This link sets password and`,
        'authenticator; it works once, for 24 hours:',
        url,
      ]);
    } catch (error) {
      // One of many that is refused must not hide what became of the others.
      if (users.length === 1 || !(error instanceof Fault)) throw error;
      failed += 1;
      print(io, options, { id: user.id, username: user.username, error: error.code }, [
        `${user.username}: ${error.message}`,
      ]);
    }
    if (users.length > 100 && (at + 1) % 100 === 0) io.progress(`${at + 1} of ${users.length}`);
  }
  if (failed > 0) throw new InvalidInput('', `${failed} of ${users.length} were refused`, 'some_refused');
}

export const secondFactorGroup: CommandGroup = {
  commands: { 'second-factor reset': reset, 'second-factor reopen': reopen },
  declare,
};

function declare(program: Program, run: Run): void {
  const secondFactor = program.command('second-factor').description('authenticators of other people');
  for (const [name, description] of [
    ['reset', 'unbind all authenticators, void the password, and answer a recovery link'],
    ['reopen', 'open what guessing closed, void the password, and answer a recovery link'],
  ] as const) {
    const command = secondFactor.command(`${name} [user]`).description(description);
    examples(
      command,
      `second-factor ${name} ana --reason "lost her phone, showed her passport"`,
      `second-factor ${name} --where second_factor=closed --reason "attack of Tuesday" --dry-run`,
    )
      .requiredOption('--reason <text>', 'why; it stands in the record')
      .option('--where <conditions>', whereHelp)
      .option('--dry-run', 'say whom it would be, and change nothing')
      .action((user: string | undefined, options: CommandOptions) =>
        run(`second-factor ${name}`, { ...options, ...(user !== undefined && { user }) }),
      );
  }
}
