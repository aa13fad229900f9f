import { Cluster, type Redis } from 'ioredis';
import { answered, type RedisConnection } from './connection.ts';

const keysAtOnce = 500;

/** Removes everything of ours: after a restore, what stands here belongs to another past. */
export async function forgetShortLived(redis: RedisConnection): Promise<void> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  for (const node of nodes) await forgetOn(node);
}

async function forgetOn(node: Redis): Promise<void> {
  for (let cursor = '0'; ;) {
    const [next, keys] = await answered(node.scan(cursor, 'MATCH', 'twofold:*', 'COUNT', keysAtOnce));
    // One by one: in a cluster the keys of one command must share a slot.
    for (const key of keys) await answered(node.unlink(key));
    if (next === '0') return;
    cursor = next;
  }
}
