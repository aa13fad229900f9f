import { readdir } from 'node:fs/promises';
import { Migrator, type Kysely, type Migration, type MigrationProvider } from 'kysely';
import { SetupFault } from '../../errors.ts';

const folder = new URL('../../../migrations/', import.meta.url);

/** Loads `migrations/` in name order. */
const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await readdir(folder)).filter((name) => /^\d{4}-[a-z-]+\.ts$/.test(name)).sort();
    const entries = files.map(async (name): Promise<[string, Migration]> => {
      const module = (await import(new URL(name, folder).href)) as Migration;
      return [name.replace(/\.ts$/, ''), module];
    });
    return Object.fromEntries(await Promise.all(entries));
  },
};

export interface MigrationState {
  readonly name: string;
  readonly appliedAt: Date | null;
}

/**
 * Brings the schema up to date and answers the names of what was applied. Replicas that start together wait for one
 * another on an advisory lock. Throws `SetupFault` naming the migration that failed; what came before it stays.
 */
export async function migrate<Tables>(kysely: Kysely<Tables>): Promise<string[]> {
  const { error, results } = await new Migrator({ db: kysely, provider }).migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find(({ status }) => status === 'Error')?.migrationName;
    throw new SetupFault('migration_failed', `migration ${failed ?? ''} failed: ${(error as Error).message}`, error);
  }
  return (results ?? []).filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}

/** Migrates up to `target`, or to the latest, inside the caller's transaction. Throws `SetupFault` as `migrate` does. */
export async function migrateWithin<Tables>(transaction: Kysely<Tables>, target?: string): Promise<void> {
  const migrator = new Migrator({ db: transaction, provider, disableTransactions: true });
  const { error } = await (target === undefined ? migrator.migrateToLatest() : migrator.migrateTo(target));
  if (error !== undefined) throw new SetupFault('migration_failed', (error as Error).message, error);
}

/** Every migration and when it was applied, or null where it is still to come. */
export async function migrationStatus<Tables>(kysely: Kysely<Tables>): Promise<MigrationState[]> {
  const migrations = await new Migrator({ db: kysely, provider }).getMigrations();
  return migrations.map(({ name, executedAt }) => ({ name, appliedAt: executedAt ?? null }));
}
