import { InvalidInput } from '../errors.ts';
import { commandLine, print, textOption, type Command } from './command.ts';

export const secondFactorReset: Command = (services, options, io) => act(services, options, io, 'reset');
export const secondFactorReopen: Command = (services, options, io) => act(services, options, io, 'reopen');

/** Both void the password and answer the link by which the person sets a new one. */
async function act(...[services, options, io, what]: [...Parameters<Command>, 'reset' | 'reopen']): Promise<void> {
  const { manageUsers, resetSecondFactor, settings } = services;
  const reason = textOption(options, 'reason').trim();
  if (reason === '') throw new InvalidInput('reason', 'say why, with --reason');
  const user = await manageUsers.find(textOption(options, 'user'));
  const { actor, context } = commandLine;
  const token = await resetSecondFactor[what]({ userId: user.id, actor, reason, context });
  const url = `${settings.issuer}/set-up/${token}`;
  print(io, options, { id: user.id, recovery_url: url }, [
    `The second factor of ${user.username} was ${what === 'reset' ? 'reset' : 'reopened'}. This link sets password and`,
    'authenticator; it works once, for 24 hours:',
    url,
  ]);
}
