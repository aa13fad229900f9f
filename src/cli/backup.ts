import { keyCheckContext } from '../compose/load-backup.ts';
import { productVersion } from '../compose/product-version.ts';
import type { Services } from '../compose/services.ts';
import type { KeyFile } from '../config/data-folder.ts';
import { SetupFault } from '../errors.ts';
import { writeDump } from '../storage/postgres/dump.ts';
import { createSum, headerLine, writeBackup } from './backup-file.ts';
import { examples, type Command, type CommandGroup } from './command.ts';

/** Answers the lines of a backup, the last of which sums up the others. */
const backup: Command = async (services, _options, io) => {
  const { database, clock, settings, secretBox } = services;
  const sum = createSum();
  const write = async (line: string): Promise<void> => {
    sum.add(line);
    await io.out(line);
  };
  const count = await writeDump(
    database.kysely,
    ({ migrations }) =>
      write(
        headerLine({
          version: productVersion(),
          madeAt: clock.now().toISOString(),
          issuer: settings.issuer,
          migrations,
          keyCheck: secretBox.seal(Buffer.from('twofold'), keyCheckContext),
          ...keysOf(services),
        }),
      ),
    write,
  );
  await io.out(sum.lastLine());
  io.progress(`${count} rows`);
};

/** Keys that the data folder made belong to its backup; those that are settings are kept by whoever set them. */
function keysOf({ folder, settings }: Services): { readonly keys?: Partial<KeyFile> } {
  if (folder === undefined) return {};
  const encryption = folder.encryptionKeys.map(({ id, key }) => ({ id, key: key.toString('base64') }));
  return {
    keys: {
      ...(settings.encryptionKeys === undefined && { encryption }),
      ...(settings.cookieKeys === undefined && { cookies: folder.cookieKeys }),
      sample: folder.sampleSecret,
    },
  };
}

/** Everything the database holds in one file, taken while the service runs. */
export const backupGroup: CommandGroup = {
  commands: { backup },
  declare(program, run) {
    const command = program.command('backup <file>');
    command.description('write everything to one file (mode 0600), as one moment saw it; the service may run');
    examples(command, 'backup /var/backups/twofold.gz').addHelpText(
      'after',
      '\nOf a data folder it holds the keys too: who has the file has the second factor of everyone.',
    );
    command.action(async (file: string) => {
      const writer = await writeBackup(file);
      let whole = false;
      try {
        await run('backup', {}, { out: writer.write, migrates: false });
      } finally {
        whole = await writer.finish();
      }
      if (!whole && !process.exitCode) throw new SetupFault('backup_unfinished', 'the backup was not finished');
    });
  },
};
