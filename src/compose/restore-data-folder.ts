import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openDataFolder, takeDataFolder, writeDataFolderKeys } from '../config/data-folder.ts';
import { Conflict } from '../errors.ts';
import { openDatabase } from '../storage/postgres/database.ts';
import { loadBackup, ringOf, type RestoreOptions, type RestoreReport } from './load-backup.ts';

/**
 * Restores into the data folder: a new database is made and filled beside what is there, and takes its place when it is
 * whole. What was there stays under `before-restore/`.
 */
export async function restoreDataFolder(options: RestoreOptions): Promise<RestoreReport> {
  const { settings, header, replace, onProgress } = options;
  const folder = resolve(settings.dataDir);
  const release = takeDataFolder(folder);
  const beside = join(folder, 'restoring');
  try {
    const there = existsSync(join(folder, 'database'));
    if (there && !replace) {
      throw new Conflict(
        'data_folder_not_empty',
        `${folder} holds data already: say --replace to put the backup there`,
      );
    }
    rmSync(beside, { recursive: true, force: true });
    writeDataFolderKeys(beside, header.keys ?? {});
    onProgress('Making the database …');
    const report = await load(beside, options);
    const before = join(folder, 'before-restore');
    rmSync(before, { recursive: true, force: true });
    if (existsSync(join(folder, 'keys.json'))) {
      mkdirSync(before, { mode: 0o700 });
      for (const name of ['keys.json', 'database']) {
        if (existsSync(join(folder, name))) renameSync(join(folder, name), join(before, name));
      }
    }
    for (const name of ['keys.json', 'database']) renameSync(join(beside, name), join(folder, name));
    return there ? { ...report, movedTo: before } : report;
  } finally {
    rmSync(beside, { recursive: true, force: true });
    release();
  }
}

async function load(beside: string, options: RestoreOptions): Promise<RestoreReport> {
  const { settings, header } = options;
  const folder = openDataFolder(beside);
  try {
    const secretBox = ringOf(settings.encryptionKeys ?? folder.encryptionKeys, header);
    const database = await openDatabase({ embeddedFolder: folder.databaseFolder });
    try {
      return await loadBackup(database, secretBox, options);
    } finally {
      await database.close();
    }
  } finally {
    folder.release();
  }
}
