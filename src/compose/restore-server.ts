import { SetupFault } from '../errors.ts';
import { openDatabase } from '../storage/postgres/database.ts';
import { connectRedis } from '../storage/redis/connection.ts';
import { forgetShortLived } from '../storage/redis/forget.ts';
import { loadBackup, ringOf, type RestoreOptions, type RestoreReport } from './load-backup.ts';

/** Restores into PostgreSQL, and empties Redis of what belonged to the time before. */
export async function restoreServer(options: RestoreOptions): Promise<RestoreReport> {
  const { settings, header } = options;
  if (settings.encryptionKeys === undefined) {
    throw new SetupFault(
      'encryption_key_missing',
      header.keys?.encryption === undefined
        ? 'ENCRYPTION_KEYS: set the keys that were set where the backup was made'
        : 'ENCRYPTION_KEYS: say --write-keys FOLDER first, then set ENCRYPTION_KEYS_FILE and COOKIE_KEYS_FILE as it tells',
    );
  }
  const secretBox = ringOf(settings.encryptionKeys, header);
  const database = await openDatabase({
    // The owner's, which may fill the record.
    url: settings.databaseMigrationUrl ?? settings.databaseUrl ?? '',
    poolSize: 1,
    connectionTimeoutMilliseconds: 5000,
    statementTimeoutMilliseconds: 600_000,
    lockTimeoutMilliseconds: 10_000,
  });
  try {
    const report = await loadBackup(database, secretBox, options);
    if (settings.redisUrl !== undefined) {
      const redis = await connectRedis(settings.redisUrl, () => undefined);
      try {
        await forgetShortLived(redis);
      } finally {
        redis.disconnect();
      }
    }
    return report;
  } finally {
    await database.close();
  }
}
