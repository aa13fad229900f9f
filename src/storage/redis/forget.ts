import type { Redis } from 'ioredis';
import { answered } from './connection.ts';

const keysAtOnce = 500;

/** Removes everything of ours: after a restore, what stands here belongs to another past. */
export async function forgetShortLived(redis: Redis): Promise<void> {
  for (let cursor = '0'; ;) {
    const [next, keys] = await answered(redis.scan(cursor, 'MATCH', 'twofold:*', 'COUNT', keysAtOnce));
    if (keys.length > 0) await answered(redis.unlink(...keys));
    if (next === '0') return;
    cursor = next;
  }
}
