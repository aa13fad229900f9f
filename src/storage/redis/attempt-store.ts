import { hash } from 'node:crypto';
import type { AttemptLimit, AttemptStore } from '../../attempt-store.ts';
import { answered, redisKey, type RedisConnection } from './connection.ts';

/** In braces: one script looks at several of them, which a cluster allows on one node only. */
const kind = '{attempts}';

/**
 * A leaky bucket a key, kept as the moment (in milliseconds of Redis's own clock) at which it is empty again. All
 * buckets are looked at before any is filled, so a refused attempt uses up nothing.
 */
const chargeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local empty, wait = {}, 0
for i, key in ipairs(KEYS) do
  local burst, refill = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  empty[i] = math.max(tonumber(redis.call('GET', key) or '0'), now)
  wait = math.max(wait, empty[i] + refill - now - burst * refill)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local value = empty[i] + tonumber(ARGV[2 * i])
  redis.call('SET', key, string.format('%.0f', value), 'PX', string.format('%.0f', value - now))
end
return 0`;
/** By which Redis names a script that it has run before (EVALSHA); no secret depends on it. */
const chargeDigest = hash('sha1', chargeScript);

export class RedisAttemptStore implements AttemptStore {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async charge(limits: readonly AttemptLimit[]): Promise<number> {
    const keys = limits.map(({ subject }) => redisKey(kind, subject));
    const values = limits.flatMap(({ burst, refillSeconds }) => [burst, refillSeconds * 1000]);
    const wait = await answered(
      this.#redis.evalsha(chargeDigest, keys.length, ...keys, ...values).catch((error: unknown) => {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        // A Redis that never saw it, or forgot: told the whole script once, it knows it again.
        return this.#redis.eval(chargeScript, keys.length, ...keys, ...values);
      }),
    );
    return Math.ceil(Number(wait) / 1000);
  }

  async clear(subject: string): Promise<void> {
    await answered(this.#redis.del(redisKey(kind, subject)));
  }
}
