import { startPostgres } from './servers/postgres.ts';
import { startRedis } from './servers/redis.ts';
import type { Stop } from './servers/guard.ts';

/**
 * Brings the PostgreSQL and the Redis of a test run, once for all its files, unless `TEST_DATABASE_URL` and
 * `TEST_REDIS_URL` name running ones. The test files are child processes and read the addresses from these variables.
 */
const stops: Stop[] = [];

export async function globalSetup(): Promise<void> {
  const outcomes = await Promise.allSettled([bringPostgres(), bringRedis()]);
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Error);
  if (failures.length === 0) return;
  for (const { message } of failures) process.stderr.write(`${message}\n`);
  await globalTeardown();
  process.exit(1);
}

export async function globalTeardown(): Promise<void> {
  await Promise.all(stops.splice(0).map((stop) => stop()));
}

async function bringPostgres(): Promise<void> {
  if (process.env['TEST_DATABASE_URL']) return;
  const server = await startPostgres();
  stops.push(server.stop);
  process.env['TEST_DATABASE_URL'] = server.url;
}

async function bringRedis(): Promise<void> {
  if (process.env['TEST_REDIS_URL']) return;
  const server = await startRedis();
  stops.push(server.stop);
  process.env['TEST_REDIS_URL'] = server.url;
}
