import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable, storeFaultChannel } from '../../errors.ts';

const storeFaults = channel(storeFaultChannel);

/** A stalled Redis must cost half a second once, not hang every request; nothing is queued to run late. */
const options: RedisOptions = {
  commandTimeout: 500,
  connectTimeout: 1000,
  socketTimeout: 2000,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: true,
  retryStrategy: (attempt) => Math.min(1000, 50 * 2 ** Math.min(attempt - 1, 5)),
};

/**
 * Connects to `redis://` or `rediss://` and waits for the first answer, `waitMilliseconds` at most. `onError` hears of
 * broken connections, which otherwise would end the process.
 */
export async function connectRedis(
  url: string,
  onError: (error: Error) => void,
  waitMilliseconds = 10_000,
): Promise<Redis> {
  const redis = new Redis(url, options);
  redis.on('error', onError);
  if (redis.status !== 'ready') {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new StoreUnavailable(`Redis did not answer within ${waitMilliseconds / 1000} seconds`)),
        waitMilliseconds,
      );
      redis.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    }).catch((error: unknown) => {
      redis.disconnect();
      throw error;
    });
  }
  return redis;
}

/** A key that holds nothing of what strangers sent. */
export function redisKey(kind: string, id: string): string {
  return `twofold:${kind}:${createHash('sha256').update(id).digest('base64url')}`;
}

export async function answered<Result>(command: Promise<Result>): Promise<Result> {
  try {
    return await command;
  } catch (error) {
    storeFaults.publish({ store: 'redis' });
    throw new StoreUnavailable('Redis did not answer in time', error);
  }
}
