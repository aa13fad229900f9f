import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { Command as Program } from 'commander';
import { commands } from './cli/commands.ts';
import type { CommandIo, CommandOptions } from './cli/command.ts';
import { addPolicyCommands } from './cli/policy.ts';
import { askService } from './cli/control-socket.ts';
import { openServices } from './compose/services.ts';
import { settingsReference } from './config/generated-files.ts';
import { loadSettings } from './config/load-settings.ts';
import { settingsTable, type SettingDefinition, type Settings } from './config/settings-table.ts';
import { Fault } from './errors.ts';
import { createLogger } from './logger.ts';
import { migrationStatus } from './storage/postgres/migrate.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const out = (line: string): void => void process.stdout.write(`${line}\n`);
// A reader that has seen enough (`| head`) is no fault of ours.
process.stdout.on('error', () => process.exit(0));
const program = new Program('twofold').description('An OpenID Connect identity provider with a second factor');
program.showHelpAfterError('(--help says what there is)').option('--json', 'print JSON, one value a line');

program
  .command('serve')
  .description('run the service')
  .action(() => void import('./main.ts'));

program
  .command('migrate')
  .description('bring the database up to date')
  .option('--status', 'only say what was applied')
  .action(async (options: { status?: boolean }) => {
    const services = await openServices({ settings: settingsOrExit(), logger: createLogger('warn'), onProgress: say });
    try {
      if (options.status !== true) return;
      for (const { name, appliedAt } of await migrationStatus(services.database.kysely)) {
        out(`${name} ${appliedAt === null ? 'to come' : appliedAt.toISOString()}`);
      }
    } finally {
      await services.close();
      services.folder?.release();
    }
  });

const users = program.command('users').description('people and their accounts');
users
  .command('create <username>')
  .description('make an account; answers a link that sets password and authenticator')
  .option('--email <address>', 'the e-mail address')
  .option('--email-verified', 'the address is known to be theirs')
  .option('--operator', 'with all rights of an operator')
  .action((username: string, options: CommandOptions) => run('users create', { ...options, username }));
users
  .command('list')
  .description('people by user name, with a second-factor column')
  .option('--limit <n>', 'how many', '50')
  .option('--after <username>', 'go on after this one')
  .action((options: CommandOptions) => run('users list', options));
for (const [name, description] of [
  ['show', 'everything about one person, never a secret'],
  ['disable', 'end sessions and tokens, and refuse every sign-in'],
  ['enable', 'let a disabled person sign in again'],
] as const) {
  users
    .command(`${name} <user>`)
    .description(description)
    .action((user: string) => run(`users ${name}`, { user }));
}
users
  .command('import')
  .description('import people from NDJSON on standard input or from a file')
  .option('-f, --file <path>', 'read this file')
  .addHelpText('after', '\nFernet keys come by TWOFOLD_IMPORT_FERNET_KEYS_FILE, one a line.')
  .action((options: { file?: string }) => {
    const path = process.env['TWOFOLD_IMPORT_FERNET_KEYS_FILE'];
    const fernetKeys = path ? readFileSync(path, 'utf8').split(/\s+/).filter(Boolean) : [];
    return run('users import', { fernetKeys }, options.file);
  });

const secondFactor = program.command('second-factor').description('authenticators of other people');
for (const [name, description] of [
  ['reset', 'unbind all authenticators, void the password, and answer a recovery link'],
  ['reopen', 'open what guessing closed, void the password, and answer a recovery link'],
] as const) {
  secondFactor
    .command(`${name} <user>`)
    .description(description)
    .requiredOption('--reason <text>', 'why; it stands in the record')
    .action((user: string, options: CommandOptions) => run(`second-factor ${name}`, { ...options, user }));
}

const clients = program.command('clients').description('relying parties');
clients
  .command('apply')
  .description('create or change relying parties from a YAML or JSON file; does nothing where nothing differs')
  .requiredOption('-f, --file <path>', 'the file, or - for standard input')
  .action(({ file }: { file: string }) => run('clients apply', {}, file === '-' ? undefined : file));
clients
  .command('list')
  .description('relying parties')
  .action(() => run('clients list', {}));

addPolicyCommands(program, (name, options) => run(name, options));

const config = program.command('config').description('settings');
config
  .command('check')
  .description('read the settings and tell all faults at once')
  .action(() => {
    settingsOrExit();
    out('the settings are in order');
  });
config
  .command('print')
  .description('the settings in force; secrets are not shown')
  .action(() => {
    const settings = settingsOrExit() as unknown as Record<string, unknown>;
    for (const [key, { name, secret }] of Object.entries<SettingDefinition>(settingsTable)) {
      const value = settings[key];
      out(`${name}=${value === undefined ? '' : secret ? '(set)' : JSON.stringify(value)}`);
    }
  });
config
  .command('reference')
  .description('every setting there is')
  .action(() => out(settingsReference()));

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}

/** Runs a command here, or in the service that owns the embedded database. */
async function run(name: string, given: CommandOptions, file?: string): Promise<void> {
  const settings = settingsOrExit();
  const options = { ...given, json: program.opts<{ json?: boolean }>().json === true };
  const reads = file !== undefined || name === 'users import' || name === 'clients apply';
  const input = file === undefined ? process.stdin : Readable.from([readFileSync(file, 'utf8')]);
  const io: CommandIo = {
    // Made when it is read: an interface that waits for its reader has let the first lines, or the end, go by.
    lines: {
      [Symbol.asyncIterator]: () =>
        createInterface({ input: reads ? input : Readable.from([]) })[Symbol.asyncIterator](),
    },
    out,
    progress: say,
  };
  if (settings.databaseUrl === undefined) {
    const answer = await askService(join(resolve(settings.dataDir), 'control.sock'), name, options, io);
    if (answer !== undefined) {
      if (answer.error !== undefined) say(`twofold: ${answer.error}`);
      process.exitCode = answer.exit;
      return;
    }
  }
  const services = await openServices({ settings, logger: createLogger('error'), onProgress: say });
  try {
    await commands[name]?.(services, options, io);
  } finally {
    await services.close();
    services.folder?.release();
  }
}

function settingsOrExit(): Settings {
  const outcome = loadSettings(process.env, (path) => readFileSync(path, 'utf8'));
  if (outcome.kind === 'loaded') return outcome.settings;
  for (const fault of outcome.faults) say(fault);
  process.exit(78);
}

function fail(error: unknown): void {
  say(`twofold: ${error instanceof Fault ? error.message : (error as Error).message}`);
  process.exitCode = 1;
}
