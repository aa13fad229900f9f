import type { AttemptStore } from '../attempt-store.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config/settings-table.ts';
import type { Logger } from '../logger.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import { InProcessAttemptStore } from '../storage/in-process/attempt-store.ts';
import { InProcessShortLivedRecords } from '../storage/in-process/short-lived-records.ts';
import { RedisAttemptStore } from '../storage/redis/attempt-store.ts';
import { connectRedis } from '../storage/redis/connection.ts';
import { RedisShortLivedRecords } from '../storage/redis/short-lived-records.ts';

/** What may be lost: on Redis, or in this one process. */
export async function openShortLived(settings: Settings, logger: Logger, clock: Clock) {
  if (settings.redisUrl === undefined) {
    return {
      records: new InProcessShortLivedRecords(clock) as ShortLivedRecords,
      attempts: new InProcessAttemptStore(clock) as AttemptStore,
      ping: async () => {},
      close: async () => {},
    };
  }
  const redis = await connectRedis(settings.redisUrl, (err) => logger.warn({ err }, 'a Redis connection broke'));
  return {
    records: new RedisShortLivedRecords(redis) as ShortLivedRecords,
    attempts: new RedisAttemptStore(redis) as AttemptStore,
    ping: async () => {
      await redis.ping();
    },
    close: async () => {
      redis.disconnect();
    },
  };
}
