import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { newBytes, newToken } from '../../src/crypto/random.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { startService } from '../support/service.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { issuedTo } from '../support/sign-in.ts';
import { until } from '../support/until.ts';
import { UserAgent } from '../support/user-agent.ts';

async function shared() {
  const database = await freshDatabase();
  const environment = {
    ISSUER: 'http://localhost:65002',
    DATABASE_URL: database.url,
    REDIS_URL: await freshRedisUrl(),
    ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
    COOKIE_KEYS: newToken(),
    TRUSTED_PROXIES: '127.0.0.1,::1',
    TWOFOLD_HASH_MEMORY_KIB: '8192',
    TWOFOLD_HASH_ITERATIONS: '1',
  };
  return { database, environment };
}

test('L14 kill -9 between accepting the code and finishing: the code is spent, nobody is signed in, the next code works', async () => {
  const { database, environment } = await shared();
  const other = await startService('servers', { environment });
  const doomed = await startServiceProcess(environment);
  const stranger = new pg.Client({ connectionString: database.url });
  await stranger.connect();
  try {
    const person = await other.addPerson();
    const agent = new UserAgent('http://localhost:65002', {}, [doomed.address]);
    const code = await agent.submitPassword(await agent.begin(), person);
    // What a sign-in writes after the acceptance is committed is its session; it is held there.
    await stranger.query('begin');
    await stranger.query('lock table sessions in exclusive mode');
    const typed = person.code();
    const answer = agent.submit(code, { code: typed }).then(
      ({ page }) => page,
      () => 'broken off',
    );
    const accepted = async () =>
      (await other.auditOf(person)).filter(({ type }) => type === 'one-time-code.accepted').length === 1;
    await until('the code is accepted', accepted, 5);
    doomed.child.kill('SIGKILL');
    assert.equal(await doomed.ended, 'SIGKILL');
    assert.equal(await answer, 'broken off');
    await stranger.query('rollback');

    assert.deepEqual(await issuedTo(other, person), { sessions: 0, grants: 0 });
    const replay = new UserAgent('http://localhost:65002', {}, other.addresses);
    const again = await replay.submitPassword(await replay.begin(), person);
    assert.equal((await replay.submit(again, { code: typed })).page, 'one-time-code');
    assert.equal((await replay.submit(again, { code: person.code(1) })).page, 'consent');
  } finally {
    doomed.child.kill('SIGKILL');
    await stranger.end();
    await other.close();
    await database.drop();
  }
});

test('L25 three replicas start at once on an empty database: one migrates, the others wait, all work', async () => {
  const database = await emptyDatabase();
  const environment = {
    DATABASE_URL: database.url,
    REDIS_URL: await freshRedisUrl(),
    ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
    COOKIE_KEYS: newToken(),
  };
  const started = await Promise.all([1, 2, 3].map(() => startServiceProcess(environment)));
  try {
    for (const { address } of started) assert.equal((await fetch(`${address}/jwks`)).status, 200);
    const sets = await Promise.all(started.map(async ({ address }) => (await fetch(`${address}/jwks`)).text()));
    assert.equal(new Set(sets).size, 1);
  } finally {
    for (const { child } of started) child.kill('SIGTERM');
    assert.deepEqual(await Promise.all(started.map(({ ended }) => ended)), [0, 0, 0]);
    await database.drop();
  }
});

test('L27 SIGTERM under load: not ready first, nothing that a proxy sends on fails, status 0; a second one ends hard', async () => {
  const { database, environment } = await shared();
  const other = await startService('servers', { environment });
  const leaving = await startServiceProcess({ ...environment, TWOFOLD_DRAIN_SECONDS: '1' });
  const stubborn = await startServiceProcess({ ...environment, TWOFOLD_DRAIN_SECONDS: '60' });
  try {
    // As a proxy does: to whoever was ready when it last looked, and to nobody else.
    const proxy = { ready: true };
    const failures: string[] = [];
    let answered = 0;
    const looks = (async () => {
      while (proxy.ready) {
        proxy.ready = await fetch(`${leaving.address}/readyz`).then(({ status }) => status === 200);
        await new Promise((done) => setTimeout(done, 50));
      }
    })();
    const visitors = Array.from({ length: 4 }, async () => {
      while (proxy.ready) {
        const agent = new UserAgent('http://localhost:65002', {}, [leaving.address]);
        const page = await agent.begin().then(
          (step) => step.page,
          (error: Error) => error.message,
        );
        answered += 1;
        if (page !== 'password') failures.push(page);
      }
    });
    await until('there is load', async () => answered > 10);
    leaving.child.kill('SIGTERM');
    await Promise.all([looks, ...visitors]);
    assert.deepEqual(failures, []);
    assert.equal(await leaving.ended, 0);
    await assert.rejects(fetch(`${leaving.address}/healthz`));

    stubborn.child.kill('SIGTERM');
    await until('it is not ready', async () => (await fetch(`${stubborn.address}/readyz`)).status === 503, 5);
    assert.equal((await fetch(`${stubborn.address}/healthz`)).status, 200);
    stubborn.child.kill('SIGTERM');
    assert.equal(await stubborn.ended, 1);
    const rows = await other.composed.services.database.kysely
      .selectFrom('audit_events')
      .select(['type', 'details'])
      .where('type', 'in', ['service.started', 'settings.weakened'])
      .execute();
    assert.equal(rows.filter(({ type }) => type === 'service.started').length, 2);
    assert.ok(rows.some(({ details }) => details['setting'] === 'TWOFOLD_HASH_MEMORY_KIB'));
  } finally {
    leaving.child.kill('SIGKILL');
    stubborn.child.kill('SIGKILL');
    await other.close();
    await database.drop();
  }
});
