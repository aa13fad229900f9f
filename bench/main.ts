import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../test/support/servers/postgres.ts';
import { startRedis } from '../test/support/servers/redis.ts';
import { compare, type Plan } from './compare.ts';
import { hashPassword, hashSettings } from './password-hash.ts';
import { table } from './report.ts';
import { startBareEngine, startTwofold, stopTarget, type Target } from './targets.ts';
import { prepareTwofold } from './twofold-data.ts';
import { makeUsers } from './users.ts';

/**
 * `npm run bench`: what a sign-in and a refresh cost here, beside the engine as it comes. Every process is its own
 * (servers, PostgreSQL with its durability on, one Redis each); the two sides take turns of less than a second, so that
 * a machine whose speed drifts slows both alike.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    slice: { type: 'string', default: '750' },
    workers: { type: 'string', default: '4' },
    users: { type: 'string', default: '3000' },
    operation: { type: 'string', multiple: true },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run bench -- [--rounds 30] [--slice MILLISECONDS] [--workers 4] [--users 3000]
  [--operation sign-in|refresh]… [--json FILE]\n`);
} else {
  await main();
}

async function main(): Promise<void> {
  const users = makeUsers(Number(values.users));
  const [first] = users;
  if (first === undefined) throw new Error('--users must be at least 1');
  const stops: (() => Promise<void>)[] = [];
  try {
    progress('starting PostgreSQL and two Redis');
    const [postgres, ourRedis, bareRedis] = await Promise.all([
      startPostgres({ durable: true }),
      startRedis(),
      startRedis(),
    ]);
    stops.push(postgres.stop, ourRedis.stop, bareRedis.stop);
    const settings = {
      DATABASE_URL: postgres.url,
      REDIS_URL: ourRedis.url,
      ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      COOKIE_KEYS: randomBytes(32).toString('base64'),
      LOG_LEVEL: 'error',
      TRUSTED_PROXIES: '127.0.0.1,::1',
      ...hashSettings,
    };
    const storedHash = await hashPassword(first.password);
    progress(`importing ${users.length} users`);
    await prepareTwofold(settings, users, storedHash);

    progress('starting both servers');
    const start = async (starting: Promise<Target>): Promise<Target> => {
      const target = await starting;
      stops.unshift(() => stopTarget(target));
      return target;
    };
    const [bare, ours] = await Promise.all([
      start(startBareEngine(bareRedis, { BENCH_SECRET: first.secret, BENCH_HASH: storedHash })),
      start(startTwofold(settings, [postgres.pid, ourRedis.pid])),
    ]);
    const plan: Plan = {
      rounds: Number(values.rounds),
      sliceMilliseconds: Number(values.slice),
      workers: Number(values.workers),
      operations: values.operation ?? ['sign-in', 'refresh'],
    };
    const results = await compare(bare, ours, users, storedHash, plan, progress);
    process.stdout.write(`${table(results)}\n`);
    if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    for (const stop of stops) await stop();
  }
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}
