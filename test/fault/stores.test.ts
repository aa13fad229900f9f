import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { Redis } from 'ioredis';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../support/servers/tcp-proxy.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, issuedTo, newBrowserOf } from '../support/sign-in.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let postgres: TcpProxy;
let redisWire: TcpProxy;
let redisUrl: string;
let service: TestService;
/** A connection of somebody else, who holds locks and changes the server. */
let stranger: pg.Client;

before(async () => {
  database = await freshDatabase();
  redisUrl = await freshRedisUrl();
  postgres = await startTcpProxy(database.url);
  redisWire = await startTcpProxy(redisUrl);
  service = await startService('servers', {
    environment: {
      DATABASE_URL: postgres.url,
      REDIS_URL: redisWire.url,
      TWOFOLD_DATABASE_POOL_SIZE: '4',
    },
  });
  stranger = new pg.Client({ connectionString: database.url });
  await stranger.connect();
});

after(async () => {
  await stranger.end();
  await service.close();
  await postgres.close();
  await redisWire.close();
  await database.drop();
});

/** An answer while a store is away: within the time that was promised, and saying when to come again. */
async function refusedInTime(work: () => Promise<Response>): Promise<void> {
  const response = await work();
  assert.equal(response.status, 503);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
}

const isReady = async (): Promise<boolean> => (await fetch(`${service.issuer}/readyz`)).status === 200;
const signsIn = async (person: TestPerson): Promise<boolean> =>
  /[?&]code=/.test((await newBrowserOf(service).signIn(person)).location ?? '');

const alive = async (): Promise<void> => {
  assert.equal((await fetch(`${service.issuer}/healthz`)).status, 200);
};

test('L01 Redis restarts empty in the middle of a sign-in: it begins again at the password, and the code stays good', async () => {
  const person = await service.addPerson();
  const { agent, step } = await halfway(service, person);
  redisWire.cut();
  await refusedInTime(() => agent.post(step.action, { csrf: step.csrf, code: person.code() }));
  await until('it is not ready', async () => !(await isReady()), 5);
  await alive();
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  redis.disconnect();
  redisWire.restore();
  await until('it is ready again', isReady, 10);
  const again = await agent.submit(step, { code: person.code() });
  assert.ok([400, 404, 410].includes(again.status), String(again.status));
  assert.deepEqual(await issuedTo(service, person), { sessions: 0, grants: 0 });
  assert.ok(await signsIn(person));
});

test('L02 what Redis forgets lowers no limit: failures and spent codes stand in PostgreSQL', async () => {
  const person = await service.addPerson();
  const redis = new Redis(redisUrl);
  const code = person.code();
  assert.ok(await signsIn(person));
  let refused = 0;
  for (let round = 0; round < 3; round += 1) {
    await redis.flushdb();
    const { agent, step } = await halfway(service, person);
    let at = await agent.submit(step, { code });
    for (let tries = 0; tries < 4 && at.page === 'one-time-code'; tries += 1) {
      if (at.error !== undefined) refused += 1;
      await redis.del(...(await redis.keys('twofold:{attempts}:*')).concat('none'));
      at = await agent.submit(at, { code: '000000' });
    }
  }
  redis.disconnect();
  assert.ok(refused > 0);
  const guard = await service.composed.services.database.kysely
    .selectFrom('guards')
    .select(['known_day_units', 'other_day_units'])
    .where('user_id', '=', person.id)
    .executeTakeFirstOrThrow();
  const wrong = (await service.auditOf(person)).filter(({ reason }) => reason === 'wrong').length;
  assert.ok(wrong > 0 && wrong <= 20);
  // Every wrong code is a unit that stays; the one that was accepted before is refused without a unit.
  assert.equal(guard.known_day_units + guard.other_day_units, wrong);
  assert.deepEqual((await issuedTo(service, person)).sessions, 1);
});

test('L04 a Redis that answers nothing costs its limit of time, not the request for ever; afterwards all is as before', async () => {
  const person = await service.addPerson();
  const { agent, step } = await halfway(service, person);
  redisWire.freeze();
  try {
    await refusedInTime(() => agent.post(step.action, { csrf: step.csrf, code: person.code() }));
    const begun = await newBrowserOf(service).begin();
    // What the protocol says to a relying party: it may send the person again.
    assert.ok(begun.status === 503 || /[?&]error=temporarily_unavailable/.test(begun.location ?? ''));
    await alive();
  } finally {
    redisWire.thaw();
  }
  await until('it is ready again', isReady, 10);
  assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
});

test('L07 PostgreSQL goes away and comes back: 503 meanwhile, the process lives, and it finds back by itself', async () => {
  const person = await service.addPerson();
  const { agent, step } = await halfway(service, person);
  postgres.cut();
  await refusedInTime(() => agent.post(step.action, { csrf: step.csrf, code: person.code() }));
  await until('it is not ready', async () => !(await isReady()), 5);
  await alive();
  assert.equal((await fetch(`${service.issuer}/jwks`)).status, 200);
  postgres.restore();
  await until('it is ready again', isReady, 10);
  // Nothing was charged or accepted, so the same page takes the same code.
  assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
});

test('L07 PostgreSQL says nothing at all: 503 within the time of a statement', async () => {
  const person = await service.addPerson();
  const { agent, step } = await halfway(service, person);
  postgres.freeze();
  try {
    await refusedInTime(() => agent.post(step.action, { csrf: step.csrf, code: person.code() }));
    await alive();
  } finally {
    postgres.thaw();
  }
  await until('it is ready again', isReady, 10);
  // Whether the charge reached the server before the wire froze is unknown; the code was not accepted.
  assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
});

test('L09 a read-only PostgreSQL: no code is compared without its charge; keys and metadata are still served', async () => {
  const person = await service.addPerson();
  const name = new URL(database.url).pathname.slice(1);
  const { agent, step } = await halfway(service, person);
  await stranger.query(`alter database ${name} set default_transaction_read_only = on`);
  const others = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  await stranger.query(others);
  await until(
    'the new connections are read-only',
    async () => (await agent.post(step.action, { csrf: step.csrf, code: person.code() })).status === 503,
    5,
  );
  assert.equal((await fetch(`${service.issuer}/jwks`)).status, 200);
  assert.equal((await fetch(`${service.issuer}/.well-known/openid-configuration`)).status, 200);
  await stranger.query(`set default_transaction_read_only = off`);
  await stranger.query(`alter database ${name} set default_transaction_read_only = off`);
  await stranger.query(others);
  await until('it is ready again', isReady, 10);
  await until('a sign-in works', async () => (await agent.submit(step, { code: person.code() })).page === 'consent', 5);
  const accepted = (await service.auditOf(person)).filter(({ type }) => type === 'one-time-code.accepted');
  assert.equal(accepted.length, 1);
});

test('L10 no connection is left: requests fail fast, /readyz says so, and all is well when there are some again', async () => {
  const person = await service.addPerson();
  const begun = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const agent = newBrowserOf(service);
      return { agent, step: await agent.begin() };
    }),
  );
  await stranger.query('begin');
  await stranger.query('lock table login_names, users in access exclusive mode');
  const answers = await Promise.all(begun.map(async ({ agent, step }) => agent.submitPassword(step, person)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [503]);
  await stranger.query('rollback');
  await alive();
  await until('it is ready again', isReady, 10);
  assert.ok(await signsIn(person));
});

test('L12 one person’s row is held by somebody: that person waits in vain, everybody else signs in', async () => {
  const [person, other] = [await service.addPerson(), await service.addPerson()];
  const { agent, step } = await halfway(service, person);
  await stranger.query('begin');
  await stranger.query('select 1 from guards where user_id = $1 for update', [person.id]);
  const held = agent.post(step.action, { csrf: step.csrf, code: person.code() });
  assert.ok(await signsIn(other));
  await refusedInTime(() => held);
  await stranger.query('rollback');
  assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
});

test('L13 a deadlock or a lost race is tried again, with one effect; one that never ends is a 503', async () => {
  const person = await service.addPerson();
  const { agent, step } = await halfway(service, person);
  await stranger.query(`create sequence faults;
    create function fail_twice() returns trigger language plpgsql as $$ begin
      if nextval('faults') % 100 <= 2 then raise exception 'a deadlock' using errcode = '40P01'; end if;
      return new;
    end $$;
    create trigger fail_twice before insert on audit_events for each row
      when (new.type = 'one-time-code.accepted') execute function fail_twice()`);
  assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
  const accepted = async () => (await service.auditOf(person)).filter(({ type }) => type === 'one-time-code.accepted');
  assert.equal((await accepted()).length, 1);

  await stranger.query(`create or replace function fail_twice() returns trigger language plpgsql as $$ begin
      raise exception 'a lost race' using errcode = '40001'; end $$`);
  const another = await service.addPerson();
  const second = await halfway(service, another);
  await refusedInTime(() => second.agent.post(second.step.action, { csrf: second.step.csrf, code: another.code() }));
  await stranger.query('drop trigger fail_twice on audit_events');
  // The acceptance was undone whole: the code is still good.
  assert.equal((await second.agent.submit(second.step, { code: another.code() })).page, 'consent');
});
