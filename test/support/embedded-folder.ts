import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase } from '../../src/storage/postgres/database.ts';
import { migrate } from '../../src/storage/postgres/migrate.ts';
import { hashOfMigrations } from './database.ts';
import { projectFolder } from './paths.ts';

const templates = join(projectFolder, '.cache', 'embedded');

/**
 * Puts an embedded database with every migration applied where `folder` says, which must not exist: a copy of one that the
 * first caller makes, because making one takes seconds. That a first start makes its own is shown by tests of the program.
 */
export async function freshEmbeddedFolder(folder: string): Promise<void> {
  const template = join(templates, hashOfMigrations());
  if (!existsSync(template)) await makeTemplate(template);
  await cp(template, folder, { recursive: true });
}

/** It gets its name once it is complete; of two processes that make it at the same time one wins. */
async function makeTemplate(template: string): Promise<void> {
  await mkdir(templates, { recursive: true });
  const unfinished = join(templates, `unfinished-${randomBytes(8).toString('hex')}`);
  const database = await openDatabase({ embeddedFolder: unfinished });
  await migrate(database.kysely);
  await database.close();
  const older = (await readdir(templates)).filter((name) => !name.startsWith('unfinished-'));
  await rename(unfinished, template).catch(async (error: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  for (const name of older)
    if (join(templates, name) !== template) await rm(join(templates, name), { recursive: true });
}
