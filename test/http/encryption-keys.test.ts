import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { newBytes } from '../../src/crypto/random.ts';
import type { Fault } from '../../src/errors.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, newBrowserOf } from '../support/sign-in.ts';
import { UserAgent } from '../support/user-agent.ts';

const newKey = (id: string): string => `${id}:${newBytes(32).toString('base64')}`;

interface Installation {
  readonly database: TestDatabase;
  start(ring: readonly string[], rolloutSeconds?: number): Promise<TestService>;
}

async function installation(): Promise<Installation> {
  const database = await freshDatabase();
  const shared = {
    DATABASE_URL: database.url,
    REDIS_URL: await freshRedisUrl(),
    COOKIE_KEYS: newBytes(32).toString('base64url'),
    ISSUER: 'http://localhost:65001',
  };
  return {
    database,
    start: (ring, rolloutSeconds = 0) =>
      startService('servers', {
        environment: {
          ...shared,
          ENCRYPTION_KEYS: ring.join(','),
          TWOFOLD_KEY_ROLLOUT_SECONDS: String(rolloutSeconds),
        },
      }),
  };
}

/** The first half of a sign-in at one replica, the second at the other. */
async function signsIn(person: TestPerson, from: TestService, to = from): Promise<void> {
  const addresses = [...from.addresses, ...to.addresses];
  await from.forgetPasswordBudget(person);
  const agent = new UserAgent('http://localhost:65001', { 'x-forwarded-for': '45.1.2.3' }, addresses);
  const code = await agent.submitPassword(await agent.begin(), person);
  const next = await agent.submit(code, { code: person.code() });
  assert.equal(next.page, 'consent', JSON.stringify(next.error));
}

const keysIn = async ({ composed }: TestService): Promise<string[]> => {
  const { rows } = await sql<{ key: string }>`
    select distinct split_part(secret_sealed, '.', 2) as key from authenticators order by 1`.execute(
    composed.services.database.kysely,
  );
  return rows.map(({ key }) => key);
};

test('L22 people sign in at every moment while the encryption key changes, and the old key goes when nothing needs it', async () => {
  const { database, start } = await installation();
  const [k1, k2] = [newKey('k1'), newKey('k2')];
  const running: TestService[] = [];
  const open = async (...given: Parameters<typeof start>): Promise<TestService> => {
    const service = await start(...given);
    running.push(service);
    return service;
  };
  try {
    const old = await open([k1]);
    const people: TestPerson[] = [];
    for (let at = 0; at < 8; at += 1) people.push(await old.addPerson());
    const next = (): TestPerson => people.pop() as TestPerson;

    // While replicas without the new key may run, it seals nothing that they would have to open.
    const young = await open([k2, k1], 600);
    assert.equal(young.composed.services.secretBox.currentKeyId, 'k1');
    await signsIn(next(), old, young);
    await signsIn(next(), young, old);
    await old.close();

    const other = await open([k2, k1], 600);
    const { encryptionKeys } = young.composed.services;
    await encryptionKeys.sealWithFirst();
    await other.composed.services.encryptionKeys.chooseSealingKey();
    assert.equal(other.composed.services.secretBox.currentKeyId, 'k2');
    await signsIn(next(), young, other);

    // It ends in the middle: some rows are under the one key, some under the other.
    const broken = encryptionKeys.reseal({
      onProgress: () => {
        throw new Error('ended here');
      },
    });
    await assert.rejects(broken, /ended here/);
    await signsIn(next(), other);
    const [first, second] = await Promise.all([
      encryptionKeys.reseal(),
      other.composed.services.encryptionKeys.reseal(),
      signsIn(next(), young, other),
      signsIn(next(), other, young),
    ]);
    assert.ok(first.kind === 'done' || second.kind === 'done');
    await encryptionKeys.reseal();
    assert.deepEqual(await keysIn(young), ['k2']);
    await signsIn(next(), young);

    await encryptionKeys.reseal();
    const [now, before] = await encryptionKeys.status();
    assert.ok(now !== undefined && before !== undefined);
    assert.deepEqual([now.id, now.seals], ['k2', true]);
    assert.deepEqual([before.id, before.seals, before.rows], ['k1', false, {}]);
    assert.ok((before.removableInSeconds ?? 0) > 3000, 'what is in the short-lived records is waited for');
    const events = await young.composed.services.database.kysely
      .selectFrom('audit_events')
      .select('details')
      .where('type', '=', 'encryption-key.rotated')
      .execute();
    assert.ok(events.length > 0);

    const alone = await open([k2]);
    await signsIn(next(), alone);
  } finally {
    await Promise.all(running.slice(1).map((service) => service.close()));
    await database.drop();
  }
});

test('L22 a missing, wrong or doubled encryption key is refused at the start with one line, and nothing is overwritten', async () => {
  const { database, start } = await installation();
  const [k1, k2] = [newKey('k1'), newKey('k2')];
  const service = await start([k1, k2]);
  try {
    const person = await service.addPerson();
    const db = service.composed.services.database.kysely;
    const everything = async () => [
      await db.selectFrom('authenticators').selectAll().execute(),
      await sql`select id, check_sealed, seals_from from encryption_keys order by id`.execute(db).then((r) => r.rows),
      await db.selectFrom('signing_keys').select(['kid', 'private_sealed']).orderBy('kid').execute(),
    ];
    const before = await everything();
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [[newKey('k1'), k2], /^ENCRYPTION_KEYS: 'k1' is not the key of that name/],
      [[k2], /^ENCRYPTION_KEYS: the key 'k1' is missing, and secrets in \w+ are sealed with it/],
      [[newKey('k3'), k2], /^ENCRYPTION_KEYS: the key 'k1' is missing/],
      [[k1, k1], /^ENCRYPTION_KEYS: the same key id stands there twice, got '\(a secret\)'$/],
      [[k1, k1.replace('k1:', 'k4:')], /^ENCRYPTION_KEYS: the same key stands there under two ids/],
    ];
    for (const [ring, message] of refusals) {
      await assert.rejects(start(ring), ({ message: said }: Fault) => {
        assert.match(said, message);
        assert.ok(!said.includes('\n') && !ring.some((key) => said.includes(key.slice(3))));
        return true;
      });
    }
    assert.deepEqual(await everything(), before);
    await signsIn(person, service);

    // A database from before keys were written down.
    await sql`delete from encryption_keys`.execute(db);
    await assert.rejects(start([newKey('k1')]), /ENCRYPTION_KEYS: no key there opens what stands in \w+/);
    await (await start([k1, k2])).close();
  } finally {
    await service.close();
    await database.drop();
  }
});

test('every column of sealed values is sealed anew when the key changes, but those of the record', async () => {
  const service = await startService('embedded');
  try {
    const { rows } = await sql<{ name: string }>`
      select table_name || '.' || column_name as name from information_schema.columns c
      where column_name like '%\_sealed' and table_schema = current_schema()
        and not exists (select 1 from pg_inherits where inhrelid = (table_name::regclass))`.execute(
      service.composed.services.database.kysely,
    );
    const apart = new Set([
      // Under the persons' own keys, which are sealed anew.
      'audit_events.origin_sealed',
      'audit_events.personal_sealed',
      // Never changed: a later seal vouches for an earlier one.
      'audit_seals.hash_sealed',
      'encryption_keys.check_sealed',
    ]);
    const listed = service.composed.services.encryptionKeys.columns.map(({ table, column }) => `${table}.${column}`);
    const inDatabase = rows.map(({ name }) => name).filter((name) => !apart.has(name));
    assert.deepEqual(inDatabase.toSorted(), listed.toSorted());
  } finally {
    await service.close();
  }
});

test('a secret that does not open stops that sign-in with a support page; it never counts as no second factor', async () => {
  const service = await startService('servers');
  try {
    const [person, other] = [await service.addPerson(), await service.addPerson()];
    await service.composed.services.database.kysely
      .updateTable('authenticators')
      .set({ secret_sealed: service.composed.services.secretBox.seal(newBytes(20), { ...elsewhere, row: person.id }) })
      .where('user_id', '=', person.id)
      .execute();
    const { agent, step } = await halfway(service, person);
    assert.equal(step.page, 'one-time-code');
    const answer = await agent.submit(step, { code: person.code() });
    assert.equal(answer.status, 500);
    assert.notEqual(answer.page, 'enrol');
    assert.ok((await service.auditOf(person)).some(({ type }) => type === 'second-factor.unreadable'));
    const page = await agent.get(step.action.replace(/\/one-time-code$/, ''));
    assert.doesNotMatch(await page.text(), /data-page="(?:enrol|consent)"/);
    assert.match((await newBrowserOf(service).signIn(other)).location ?? '', /[?&]code=/);
  } finally {
    await service.close();
  }
});

const elsewhere = { table: 'authenticators', column: 'secret_sealed', owner: 'somebody else' };
