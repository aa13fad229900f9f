import { Redis } from 'ioredis';

/**
 * The URL of an empty logical database of the test run's Redis, numbered by a counter in database 0, so that test files
 * running at once never share one. Tests empty theirs by FLUSHDB; FLUSHALL would reach into everybody's.
 */
export async function freshRedisUrl(): Promise<string> {
  const server = process.env['TEST_REDIS_URL'];
  if (!server) {
    throw new Error('TEST_REDIS_URL is not set: run tests with "npm test" or "npm run test:file -- FILE"');
  }
  const client = new Redis(server, { lazyConnect: true });
  try {
    await client.connect();
    const count = await databaseCount(client);
    const number = 1 + (((await client.incr('twofold:test:databases')) - 1) % (count - 1));
    await client.select(number);
    await client.flushdb();
    const url = new URL(server);
    url.pathname = `/${number}`;
    return url.href;
  } finally {
    client.disconnect();
  }
}

async function databaseCount(client: Redis): Promise<number> {
  const [, count] = await client.config('GET', 'databases');
  return Number(count ?? 16);
}
