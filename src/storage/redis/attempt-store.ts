import type { Redis } from 'ioredis';
import type { AttemptLimit, AttemptStore } from '../attempt-store.ts';
import { answered, redisKey } from './connection.ts';

/** Looks at all counters before it raises any, so a refused attempt uses up nothing. */
const chargeScript = `
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
    wait = math.max(wait, redis.call('PTTL', key), 1)
  end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[2 * i]) end
end
return 0`;

export class RedisAttemptStore implements AttemptStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async charge(limits: readonly AttemptLimit[]): Promise<number> {
    const keys = limits.map(({ subject }) => redisKey('attempts', subject));
    const values = limits.flatMap(({ most, windowSeconds }) => [most, windowSeconds]);
    const wait = await answered(this.#redis.eval(chargeScript, keys.length, ...keys, ...values));
    return Math.ceil(Number(wait) / 1000);
  }

  async clear(subject: string): Promise<void> {
    await answered(this.#redis.del(redisKey('attempts', subject)));
  }
}
