import { join } from 'node:path';
import type { DataFolder } from '../config/data-folder.ts';
import type { Settings } from '../config/settings-table.ts';
import { StoreUnavailable } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { grantServiceRole, isServiceRoleGranted } from '../storage/postgres/audit-grants.ts';
import { openDatabase, type Database } from '../storage/postgres/database.ts';
import { migrate, migrationStatus } from '../storage/postgres/migrate.ts';

export interface Opening {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Told of what takes longer than a moment. */
  readonly onProgress: (line: string) => void;
  /** False leaves the database's form as it is. */
  readonly migrates: boolean;
  readonly folder: DataFolder | undefined;
}

const databaseWaitMilliseconds = 30_000;

/** Opens the database of the settings and brings it up to date; waits for a server that is still starting. */
export async function openAndMigrate({ settings, folder, logger, onProgress, migrates }: Opening): Promise<Database> {
  const until = performance.now() + databaseWaitMilliseconds;
  for (;;) {
    let database: Database | undefined;
    try {
      database = await openDatabase(databaseOptions(settings, folder, logger));
      const migrated = migrates ? await migrateWith(settings, database) : [];
      if (migrated.length > 0) onProgress(`Migrated the database (${migrated.length} steps).`);
      return database;
    } catch (error) {
      await database?.close().catch(() => {});
      // A server that is still starting is waited for; anything else is wrong and will stay so.
      const waiting = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|57P03|timeout/i.test(describe(error));
      if (!waiting || performance.now() > until) {
        throw waiting ? new StoreUnavailable('DATABASE_URL: the database did not answer for 30 seconds', error) : error;
      }
      onProgress('Waiting for the database …');
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function migrateWith(settings: Settings, database: Database): Promise<string[]> {
  const { databaseUrl, databaseMigrationUrl } = settings;
  if (databaseUrl === undefined) return migrate(database.kysely);
  // Where a job migrates, the service's own role may not; it need not where nothing waits.
  if (databaseMigrationUrl === undefined) {
    const isWaiting = (await migrationStatus(database.kysely)).some(({ appliedAt }) => appliedAt === null);
    if (!isWaiting) return [];
  }
  // A migration may take longer than a request's statement.
  const owner = await openDatabase({
    url: databaseMigrationUrl ?? databaseUrl,
    poolSize: 1,
    connectionTimeoutMilliseconds: 5000,
    statementTimeoutMilliseconds: 600_000,
    lockTimeoutMilliseconds: 60_000,
  });
  try {
    const migrated = await migrate(owner.kysely);
    const role = databaseMigrationUrl === undefined ? undefined : roleOf(databaseUrl);
    if (role !== undefined && (migrated.length > 0 || !(await isServiceRoleGranted(owner.kysely, role)))) {
      await grantServiceRole(owner.kysely, role);
    }
    return migrated;
  } finally {
    await owner.close();
  }
}

/** The role the service works under; undefined where it is the owner itself, or the URL names none. */
function roleOf(url: string | undefined): string | undefined {
  const name = url !== undefined && URL.canParse(url) ? decodeURIComponent(new URL(url).username) : '';
  return name === '' ? undefined : name;
}

function databaseOptions(settings: Settings, folder: DataFolder | undefined, logger: Logger) {
  if (settings.databaseUrl === undefined) return { embeddedFolder: folder?.databaseFolder ?? join('data', 'database') };
  return {
    url: settings.databaseUrl,
    poolSize: settings.databasePoolSize,
    connectionTimeoutMilliseconds: 1000,
    statementTimeoutMilliseconds: settings.statementTimeoutMilliseconds,
    lockTimeoutMilliseconds: Math.ceil(settings.statementTimeoutMilliseconds / 2),
    onConnectionError: (err: Error) => logger.warn({ err }, 'a database connection broke'),
  };
}

function describe(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  const words = `${typeof code === 'string' ? code : ''} ${error instanceof Error ? error.message : ''}`;
  return cause === undefined ? words : `${words} ${describe(cause)}`;
}
