import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackupHeader } from '../compose/load-backup.ts';
import { restoreDataFolder } from '../compose/restore-data-folder.ts';
import { restoreServer } from '../compose/restore-server.ts';
import { InvalidInput, SetupFault } from '../errors.ts';
import { bodyOf, checkBackup } from './backup-file.ts';
import { commandLine, examples, type CommandGroup } from './command.ts';
import { out, say, settingsOrExit } from './terminal.ts';

interface Given {
  readonly replace?: boolean;
  readonly voidRecoveryCodes?: boolean;
  readonly writeKeys?: string;
}

/** Puts a backup into an empty place, or in place of what is there. */
export const restoreGroup: CommandGroup = {
  commands: {},
  declare(program) {
    const command = program.command('restore <file>');
    command.description('put a backup into the data folder or the database, while no service runs');
    examples(command, 'restore twofold.gz', 'restore twofold.gz --replace', 'restore twofold.gz --write-keys secrets')
      .option('--replace', 'where there is data already: put the backup in its place')
      .option('--void-recovery-codes', 'void every unused recovery code: some may have been used since the backup')
      .option('--write-keys <folder>', "only write the backup's keys there as files, mode 0600, and restore nothing")
      .addHelpText(
        'after',
        '\nAfterwards no code of the past is accepted, and everybody has to sign in again. See docs/operate.md.',
      )
      .action(async (file: string, given: Given) => {
        const header = await checkBackup(file);
        const json = program.opts<{ json?: boolean }>().json === true;
        if (given.writeKeys !== undefined) return writeKeys(header, given.writeKeys, json);
        const settings = settingsOrExit();
        const restore = settings.databaseUrl === undefined ? restoreDataFolder : restoreServer;
        const { authenticators, sessions, movedTo } = await restore({
          settings,
          header,
          lines: bodyOf(file),
          replace: given.replace === true,
          voidRecoveryCodes: given.voidRecoveryCodes === true,
          ...commandLine,
          onProgress: say,
        });
        await out(
          json
            ? JSON.stringify({ restored: true, made_at: header.madeAt, authenticators, sessions })
            : `Restored the backup of ${header.madeAt}: ${authenticators} authenticators, ${sessions} sessions ended.`,
        );
        if (movedTo !== undefined) say(`What was there before lies in ${movedTo}: remove it when all is well.`);
        if (header.issuer !== settings.issuer) say(`ISSUER is ${settings.issuer} here, and was ${header.issuer}.`);
      });
  },
};

/** The keys as files that ENCRYPTION_KEYS_FILE and COOKIE_KEYS_FILE take; never shown. */
async function writeKeys({ keys }: BackupHeader, given: string, json: boolean): Promise<void> {
  const { encryption, cookies } = keys ?? {};
  if (encryption === undefined && cookies === undefined) {
    throw new SetupFault('backup_without_keys', 'the backup holds no keys: they were settings where it was made');
  }
  const folder = resolve(given);
  const files = [
    ['ENCRYPTION_KEYS_FILE', 'encryption-keys', encryption?.map(({ id, key }) => `${id}:${key}`)],
    ['COOKIE_KEYS_FILE', 'cookie-keys', cookies],
  ] as const;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [setting, name, values] of files) {
    if (values === undefined) continue;
    const path = join(folder, name);
    try {
      writeFileSync(path, `${values.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new InvalidInput('write-keys', `${path} ${code === 'EEXIST' ? 'is there already' : `: ${code}`}`);
    }
    await out(json ? JSON.stringify({ setting, file: path }) : `${setting}=${path}`);
  }
}
