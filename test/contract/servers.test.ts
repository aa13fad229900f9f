import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { startTcpProxy } from '../support/servers/tcp-proxy.ts';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

test('two fresh databases share nothing, and both have every migration', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  try {
    await query(one.url, 'create table only_here (id int)');
    assert.deepEqual(await query(other.url, `select to_regclass('only_here')`), [null]);
    const applied = await query(one.url, 'select name from kysely_migration order by name');
    assert.ok(applied.includes('0001-users'));
    assert.deepEqual(await query(other.url, 'select name from kysely_migration order by name'), applied);
  } finally {
    await Promise.all([one.drop(), other.drop()]);
  }
});

test('an empty database has no tables, and is gone after its drop', async () => {
  const database = await emptyDatabase();
  assert.deepEqual(await query(database.url, `select count(*)::int from pg_tables where schemaname = 'public'`), [0]);
  await database.drop();
  await assert.rejects(query(database.url, 'select 1'), { code: '3D000' });
});

test('two test files never get the same Redis database at once', async () => {
  const urls = await Promise.all(Array.from({ length: 5 }, () => freshRedisUrl()));
  assert.equal(new Set(urls).size, urls.length);
  const [one = '', other = ''] = urls;
  const first = new Redis(one);
  const second = new Redis(other);
  try {
    await first.set('key', 'value');
    assert.equal(await second.get('key'), null);
  } finally {
    first.disconnect();
    second.disconnect();
  }
});

test('a frozen wire holds bytes back and lets them through when thawed; a cut one ends connections', async () => {
  const proxy = await startTcpProxy(await freshRedisUrl());
  const client = new Redis(proxy.url, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  const stalled = new Redis(proxy.url, { lazyConnect: true, commandTimeout: 200, retryStrategy: () => null });
  for (const one of [client, stalled]) one.on('error', () => {});
  try {
    await client.set('key', 'value');
    proxy.freeze();
    let answered = false;
    const reading = client.get('key').finally(() => (answered = true));
    await assert.rejects(stalled.get('key'));
    assert.equal(answered, false);
    proxy.thaw();
    assert.equal(await reading, 'value');
    proxy.cut();
    await assert.rejects(client.get('key'));
  } finally {
    client.disconnect();
    stalled.disconnect();
    await proxy.close();
  }
});
