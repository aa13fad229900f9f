import type { Command as Program } from 'commander';
import { perform } from '../admin/api/perform.ts';
import { createCommandAdmin } from '../compose/command-admin.ts';
import { csvLine } from '../domain/csv.ts';
import { InvalidInput } from '../errors.ts';
import { rolesHeld } from '../domain/roles-held.ts';
import { commandActor } from './call.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandOptions, Run } from './command.ts';
import { chosen, everyone, secondFactorWord, statusWord, whereHelp } from './where.ts';

const { actor, context } = commandLine;

const usersCreate: Command = async (services, options, io) => {
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

const usersList: Command = async ({ manageUsers, status }, options, io) => {
  const after = textOption(options, 'after');
  const limit = Number(options['limit'] ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new InvalidInput('limit', '--limit is a whole number from 1 to 1000');
  }
  for (const user of await manageUsers.list(limit, after === '' ? undefined : after)) {
    const facts = await status(user.id);
    const secondFactor = secondFactorWord(facts);
    const shown = {
      id: user.id,
      username: user.username,
      email: user.email,
      status: statusWord(user),
      disabled: user.disabledAt !== null,
      roles: user.roles,
      second_factor: secondFactor,
      authenticators: facts.authenticators.length,
      recovery_codes_remaining: facts.recoveryCodesRemaining,
    };
    print(io, options, shown, [
      [user.username.padEnd(30), shown.status.padEnd(9), secondFactor.padEnd(8), user.roles.join(',')]
        .join(' ')
        .trimEnd(),
    ]);
  }
};

/** The answer of the admin API. */
const usersShow: Command = async (services, options, io) => {
  const { id } = await services.manageUsers.find(textOption(options, 'user'));
  const { admin } = await createCommandAdmin(services);
  const { body } = await perform(admin, commandActor, context, 'getUser', { params: { id } });
  print(io, options, body, JSON.stringify(body, null, 2).split('\n'));
};

const usersDisable: Command = async (services, options, io) => {
  for (const user of await chosen(services, options)) {
    const dryRun = options['dryRun'] === true;
    if (!dryRun) await services.manageUsers.setDisabled(user.id, true, actor, context);
    print(io, options, { id: user.id, username: user.username, disabled: true, ...(dryRun && { dry_run: true }) }, [
      `${user.username} ${dryRun ? 'would be' : 'is'} disabled.`,
    ]);
  }
};

const usersEnable: Command = async ({ manageUsers }, options, io) => {
  const user = await manageUsers.find(textOption(options, 'user'));
  await manageUsers.setDisabled(user.id, false, actor, context);
  print(io, options, { id: user.id, username: user.username, disabled: false }, [`${user.username} is enabled.`]);
};

/** Everyone, never a hash or a secret; with `--access-review` who holds which role, since when and by whom. */
const usersExport: Command = async (services, options, io) => {
  const { auditReader, inTransaction } = services;
  const review = options['accessReview'] === true;
  const columns = ['username', 'email', 'status', 'created_at', 'second_factor', 'authenticators', 'last_used_at'];
  const held = ['role', 'since', 'granted_by'];
  if (options['json'] !== true) await io.out(csvLine(review ? [...columns, ...held] : [...columns, 'roles']));
  let count = 0;
  for await (const { user, secondFactor } of everyone(services)) {
    count += 1;
    const used = secondFactor.authenticators.flatMap(({ lastUsedAt }) => (lastUsedAt === null ? [] : [lastUsedAt]));
    const last =
      used
        .sort((a, b) => a.getTime() - b.getTime())
        .at(-1)
        ?.toISOString() ?? null;
    const facts = {
      username: user.username,
      email: user.email,
      status: statusWord(user),
      created_at: user.createdAt.toISOString(),
      second_factor: secondFactorWord(secondFactor),
      authenticators: secondFactor.authenticators.length,
      last_used_at: last,
    };
    if (!review) {
      const roles = [...user.roles].sort();
      await io.out(
        options['json'] === true
          ? JSON.stringify({ id: user.id, ...facts, roles })
          : csvLine([...Object.values(facts), roles.join(' ')]),
      );
      continue;
    }
    const changes = [];
    if (user.roles.length > 0) {
      const types = ['user.created', 'user.imported', 'user.changed'] as const;
      for await (const event of auditReader.stream({ target: user.id, types })) changes.push(event);
    }
    const roles = rolesHeld(user.roles, changes).map(({ role, since, by }) => ({ role, since, granted_by: by }));
    if (options['json'] === true) await io.out(JSON.stringify({ id: user.id, ...facts, roles }));
    for (const one of options['json'] === true
      ? []
      : roles.length > 0
        ? roles
        : [{ role: '', since: '', granted_by: '' }]) {
      await io.out(csvLine([...Object.values(facts), one.role, one.since, one.granted_by]));
    }
    if (count % 1000 === 0) io.progress(`${count} people`);
  }
  await inTransaction(({ audit }) =>
    audit.record({
      type: 'operator.read',
      actor,
      target: '',
      result: 'success',
      reason: review ? 'access-review' : 'export',
      context,
    }),
  );
};

export const usersGroup: CommandGroup = {
  commands: {
    'users create': usersCreate,
    'users list': usersList,
    'users show': usersShow,
    'users disable': usersDisable,
    'users enable': usersEnable,
    'users export': usersExport,
  },
  declare,
};

function declare(program: Program, run: Run): void {
  const users = program.command('users').description('people and their accounts');
  const create = users.command('create <username>');
  create.description('make an account; answers a link that sets password and authenticator');
  examples(create, 'users create ana --email ana@example.com', 'users create root --operator')
    .option('--email <address>', 'the e-mail address')
    .option('--email-verified', 'the address is known to be theirs')
    .option('--operator', 'with all rights of an operator')
    .action((username: string, options: CommandOptions) => run('users create', { ...options, username }));
  const list = users.command('list').description('people by user name, with a second-factor column');
  examples(list, 'users list --limit 200', 'users list --after ana --json')
    .option('--limit <n>', 'how many', '50')
    .option('--after <username>', 'go on after this one')
    .action((options: CommandOptions) => run('users list', options));
  const show = users.command('show <user>').description('everything about one person, never a secret');
  examples(show, 'users show ana').action((user: string) => run('users show', { user }));
  const disable = users.command('disable [user]').description('end sessions and tokens, and refuse every sign-in');
  examples(disable, 'users disable ana', 'users disable --where email_domain=left.example --dry-run')
    .option('--where <conditions>', whereHelp)
    .option('--dry-run', 'say whom it would be, and change nothing')
    .action((user: string | undefined, options: CommandOptions) =>
      run('users disable', { ...options, ...(user !== undefined && { user }) }),
    );
  const enable = users.command('enable <user>').description('let a disabled person sign in again');
  examples(enable, 'users enable ana').action((user: string) => run('users enable', { user }));
  const everybody = users.command('export').description('everyone as CSV, or as NDJSON with --json; never a secret');
  examples(everybody, 'users export > people.csv', 'users export --access-review --json')
    .option('--access-review', 'who holds which role, since when, and by whom')
    .action((options: CommandOptions) => run('users export', options));
}
