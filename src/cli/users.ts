import { InvalidInput } from '../errors.ts';
import { commandLine, print, textOption, type Command } from './command.ts';

const { actor, context } = commandLine;

export const usersCreate: Command = async (services, options, io) => {
  const { settings, manageUsers } = services;
  const email = textOption(options, 'email');
  const { id, activationToken } = await manageUsers.create(
    {
      username: textOption(options, 'username'),
      email: email === '' ? null : email,
      emailVerified: options['emailVerified'] === true,
      roles: options['operator'] === true ? ['operator'] : [],
    },
    actor,
    context,
  );
  const url = `${settings.issuer}/set-up/${activationToken}`;
  print(io, options, { id, activation_url: url }, [
    `Created ${id}. This link sets password and authenticator; it works once, for 24 hours:`,
    url,
  ]);
};

export const usersList: Command = async ({ manageUsers, status }, options, io) => {
  const after = textOption(options, 'after');
  const users = await manageUsers.list(Number(options['limit'] ?? 50), after === '' ? undefined : after);
  for (const user of users) {
    const { enabled, closed, authenticators, recoveryCodesRemaining } = await status(user.id);
    const secondFactor = closed ? 'closed' : enabled ? 'enabled' : 'none';
    const shown = {
      id: user.id,
      username: user.username,
      email: user.email,
      disabled: user.disabledAt !== null,
      roles: user.roles,
      second_factor: secondFactor,
      authenticators: authenticators.length,
      recovery_codes_remaining: recoveryCodesRemaining,
    };
    const state = user.disabledAt === null ? 'active' : 'disabled';
    print(io, options, shown, [
      [user.username.padEnd(30), state.padEnd(9), secondFactor.padEnd(8), user.roles.join(',')].join(' ').trimEnd(),
    ]);
  }
};

export const usersShow: Command = async ({ manageUsers, status }, options, io) => {
  const user = await manageUsers.find(textOption(options, 'user'));
  const secondFactor = await status(user.id);
  const { passwordHash, ...rest } = user;
  const shown = { ...rest, hasPassword: passwordHash !== null, secondFactor };
  print(io, options, shown, JSON.stringify(shown, null, 2).split('\n'));
};

export const usersDisable: Command = (services, options, io) => setDisabled(services, options, io, true);
export const usersEnable: Command = (services, options, io) => setDisabled(services, options, io, false);

async function setDisabled(...[{ manageUsers }, options, io, disabled]: [...Parameters<Command>, boolean]) {
  const user = await manageUsers.find(textOption(options, 'user'));
  await manageUsers.setDisabled(user.id, disabled, actor, context);
  print(io, options, { id: user.id, disabled }, [`${user.username} is ${disabled ? 'disabled' : 'enabled'}.`]);
}

export const usersImport: Command = async ({ importUsers }, options, io) => {
  const keys = Array.isArray(options['fernetKeys']) ? options['fernetKeys'].map(String) : [];
  const counts = { created: 0, updated: 0, refused: 0 };
  for await (const line of importUsers(io.lines, keys, actor, context)) {
    counts[line.result] += 1;
    if (options['json'] === true) io.out(JSON.stringify(line));
    else if (line.result === 'refused') {
      io.out(`line ${line.line}${line.username === null ? '' : ` (${line.username})`}: ${line.reason ?? ''}`);
    }
    const done = counts.created + counts.updated + counts.refused;
    if (done % 1000 === 0) io.progress(`${done} lines`);
  }
  const { created, updated, refused } = counts;
  const summary = `${created} created, ${updated} updated, ${refused} refused`;
  if (options['json'] !== true) io.out(summary);
  if (refused > 0) throw new InvalidInput('', `${refused} lines were refused`, 'lines_refused');
};
