import { hash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable, storeFaultChannel } from '../../errors.ts';
import { parseRedisUrl } from './redis-url.ts';

const storeFaults = channel(storeFaultChannel);

/** One server, or a cluster of them. */
export type RedisConnection = Redis | Cluster;

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
 * Connects to a server, to the master that sentinels name, or to a cluster (see `parseRedisUrl`), and waits for the first
 * answer, `waitMilliseconds` at most. `onError` hears of broken connections, which otherwise would end the process.
 */
export async function connectRedis(
  url: string,
  onError: (error: Error) => void,
  waitMilliseconds = 10_000,
): Promise<RedisConnection> {
  const redis = open(url);
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

function open(url: string): RedisConnection {
  const address = parseRedisUrl(url);
  if (address.kind === 'server') return new Redis(url, options);
  const { nodes, username, password, tls } = address;
  const login = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (address.kind === 'cluster') {
    // A slot on its way to another node is asked for a few times, within the time of one command.
    return new Cluster(nodes, {
      redisOptions: { commandTimeout: 500, connectTimeout: 1000, socketTimeout: 2000, ...login },
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      maxRedirections: 4,
      retryDelayOnFailover: 100,
      retryDelayOnTryAgain: 50,
      slotsRefreshTimeout: 1000,
      clusterRetryStrategy: options.retryStrategy as (attempt: number) => number,
    });
  }
  return new Redis({
    ...options,
    ...login,
    sentinels: nodes,
    name: address.master,
    db: address.database,
    enableTLSForSentinelMode: tls,
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    sentinelRetryStrategy: options.retryStrategy as (attempt: number) => number,
  });
}

/**
 * A key that holds nothing of what strangers sent. Keys of one kind that are used together bear the same braces, so that
 * a cluster keeps them on one node.
 */
export function redisKey(kind: string, id: string): string {
  return `twofold:${kind}:${hash('sha256', id, 'base64url')}`;
}

export async function answered<Result>(command: Promise<Result>): Promise<Result> {
  try {
    return await command;
  } catch (error) {
    storeFaults.publish({ store: 'redis' });
    throw new StoreUnavailable('Redis did not answer in time', error);
  }
}
