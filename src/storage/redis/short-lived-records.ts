import type { ShortLivedRecords } from '../../short-lived-records.ts';
import { answered, redisKey, type RedisConnection } from './connection.ts';

export class RedisShortLivedRecords implements ShortLivedRecords {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async create(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean> {
    return (await answered(this.#redis.set(redisKey(kind, id), value, 'EX', ttlSeconds, 'NX'))) === 'OK';
  }

  async replace(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean> {
    return (await answered(this.#redis.set(redisKey(kind, id), value, 'EX', ttlSeconds, 'XX'))) === 'OK';
  }

  async put(kind: string, id: string, value: string, ttlSeconds: number): Promise<void> {
    await answered(this.#redis.set(redisKey(kind, id), value, 'EX', ttlSeconds));
  }

  async read(kind: string, id: string): Promise<string | undefined> {
    return (await answered(this.#redis.get(redisKey(kind, id)))) ?? undefined;
  }

  async take(kind: string, id: string): Promise<string | undefined> {
    return (await answered(this.#redis.getdel(redisKey(kind, id)))) ?? undefined;
  }

  async remove(kind: string, id: string): Promise<void> {
    await answered(this.#redis.del(redisKey(kind, id)));
  }
}
