import type { Command as Program } from 'commander';
import { settingsReference } from '../config/generated-files.ts';
import { settingsTable, type SettingDefinition } from '../config/settings-table.ts';
import { migrationStatus } from '../storage/postgres/migrate.ts';
import { examples, print, type CommandGroup, type Run } from './command.ts';
import { out, settingsOrExit } from './terminal.ts';

/** The database's form, and the settings. */
export const settingsGroup: CommandGroup = {
  commands: {
    'migrate status': async ({ database }, options, io) => {
      for (const { name, appliedAt } of await migrationStatus(database.kysely)) {
        const applied = appliedAt?.toISOString() ?? null;
        print(io, options, { name, applied_at: applied }, [`${name} ${applied ?? 'to come'}`]);
      }
    },
  },
  declare,
};

function declare(program: Program, run: Run): void {
  const wantsJson = (): boolean => program.opts<{ json?: boolean }>().json === true;
  const migrate = program.command('migrate').description('bring the database up to date');
  examples(migrate, 'migrate', 'migrate --status --json')
    .option('--status', 'say what was applied and what is to come, and change nothing')
    .action(({ status }: { status?: boolean }) => run('migrate status', {}, { migrates: status !== true }));

  const config = program.command('config').description('settings');
  examples(config.command('check').description('read the settings and tell all faults at once'), 'config check').action(
    () => {
      settingsOrExit();
      return out(wantsJson() ? JSON.stringify({ ok: true }) : 'the settings are in order');
    },
  );
  const shown = config.command('print').description('the settings in force; secrets are not shown');
  examples(shown, 'config print', 'config print --json').action(async () => {
    const settings = settingsOrExit() as unknown as Record<string, unknown>;
    for (const [key, { name, secret }] of Object.entries<SettingDefinition>(settingsTable)) {
      const value = settings[key];
      const text = secret && value !== undefined ? '(set)' : value;
      await out(
        wantsJson()
          ? JSON.stringify({ name, value: text ?? null })
          : `${name}=${value === undefined ? '' : secret ? '(set)' : JSON.stringify(value)}`,
      );
    }
  });
  const reference = config.command('reference').description('every setting there is');
  examples(reference, 'config reference').action(async () => {
    if (!wantsJson()) return out(settingsReference());
    for (const { name, default: standard, sentence, secret } of Object.values<SettingDefinition>(settingsTable)) {
      await out(JSON.stringify({ name, default: standard ?? null, secret: secret === true, sentence }));
    }
  });
}
