import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { RedisAttemptStore } from '../../src/storage/redis/attempt-store.ts';
import { connectRedis } from '../../src/storage/redis/connection.ts';
import { parseRedisUrl } from '../../src/storage/redis/redis-url.ts';
import { RedisShortLivedRecords } from '../../src/storage/redis/short-lived-records.ts';
import { startRedis } from '../support/servers/redis.ts';

async function works(url: string): Promise<void> {
  const redis = await connectRedis(url, () => undefined);
  try {
    const records = new RedisShortLivedRecords(redis);
    for (const id of ['one', 'two', 'three', 'four']) {
      assert.equal(await records.create('kind', id, `value of ${id}`, 60), true);
      assert.equal(await records.take('kind', id), `value of ${id}`);
      assert.equal(await records.take('kind', id), undefined);
    }
    const attempts = new RedisAttemptStore(redis);
    const limits = ['a', 'b', 'c'].map((subject) => ({ subject, burst: 2, refillSeconds: 60 }));
    assert.deepEqual([await attempts.charge(limits), await attempts.charge(limits)], [0, 0]);
    assert.ok((await attempts.charge(limits)) > 0);
    await attempts.clear('a');
  } finally {
    redis.disconnect();
  }
}

test('a Redis that forgot its scripts, in the middle of many attempts, grants as many as before', async () => {
  const server = await startRedis();
  const redis = await connectRedis(server.url, () => undefined);
  try {
    const attempts = new RedisAttemptStore(redis);
    const limit = { subject: 'a', burst: 7, refillSeconds: 100 };
    assert.equal(await attempts.charge([limit]), 0);
    const [, ...waits] = await Promise.all([
      (redis as Redis).script('FLUSH'),
      ...Array.from({ length: 50 }, () => attempts.charge([limit])),
    ]);
    assert.equal(waits.filter((wait) => wait === 0).length, 6);
  } finally {
    redis.disconnect();
    await server.stop();
  }
});

test('short-lived records and attempts work on a cluster', async () => {
  const node = await startRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--save', '']);
  try {
    const client = new Redis(node.url);
    await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await new Promise((go) => setTimeout(go, 50));
    client.disconnect();
    await works(node.url.replace('redis://', 'redis+cluster://'));
  } finally {
    await node.stop();
  }
});

test('short-lived records and attempts work on the master that sentinels name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-sentinel-'));
  const master = await startRedis();
  const file = join(folder, 'sentinel.conf');
  writeFileSync(file, `sentinel monitor main 127.0.0.1 ${new URL(master.url).port} 1\n`);
  const sentinel = await startRedis([file, '--sentinel']);
  try {
    const { port } = new URL(sentinel.url);
    await works(`redis+sentinel://127.0.0.1:1,127.0.0.1:${port}/main/3`);
  } finally {
    await sentinel.stop();
    await master.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('every form of REDIS_URL is read, and what is none of them is refused', () => {
  assert.deepEqual(parseRedisUrl('rediss://u:p@redis.example/2'), { kind: 'server' });
  assert.deepEqual(parseRedisUrl('rediss+sentinel://u:p%40ss@a.example,[::1]:99/main?sentinel_password=s'), {
    kind: 'sentinel',
    nodes: [
      { host: 'a.example', port: 26_379 },
      { host: '::1', port: 99 },
    ],
    username: 'u',
    password: 'p@ss',
    tls: true,
    master: 'main',
    database: 0,
    sentinelPassword: 's',
  });
  for (const wrong of ['redis+sentinel://a', 'redis+cluster://a/main', 'redis+cluster://', 'redis+cluster://a b']) {
    assert.throws(() => parseRedisUrl(wrong), /^SetupFault: REDIS_URL: must be/);
  }
});
