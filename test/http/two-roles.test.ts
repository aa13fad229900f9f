import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newBytes, newToken } from '../../src/crypto/random.ts';
import { openDatabase, type Database } from '../../src/storage/postgres/database.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

const role = `twofold_${randomBytes(6).toString('hex')}`;
const password = randomBytes(12).toString('hex');
let fresh: TestDatabase;
let owner: Database;
let service: TestService;
let environment: Record<string, string> = {
  ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
  COOKIE_KEYS: newToken(),
};

before(async () => {
  fresh = await freshDatabase();
  const limits = { poolSize: 2, connectionTimeoutMilliseconds: 5000, statementTimeoutMilliseconds: 10_000 };
  owner = await openDatabase({ url: fresh.url, ...limits, lockTimeoutMilliseconds: 10_000 });
  await sql.raw(`create role ${role} login password '${password}'`).execute(owner.kysely);
  const url = new URL(fresh.url);
  url.username = role;
  url.password = password;
  environment = { ...environment, DATABASE_URL: url.href };
  service = await startService('servers', { environment: { ...environment, DATABASE_MIGRATION_URL: fresh.url } });
});

after(async () => {
  await service?.close();
  await sql.raw(`drop owned by ${role}`).execute(owner.kysely);
  await sql.raw(`drop role ${role}`).execute(owner.kysely);
  await owner.close();
  await fresh.drop();
});

test('K07 migrations run as the owner and give the service’s role what it needs, and no more', async () => {
  const person = await service.addPerson();
  const agent = new UserAgent(service.issuer);
  const finished = await agent.signIn(person);
  assert.ok((await agent.redeem(finished)).id_token);
  const { kysely } = service.composed.services.database;
  const { rows } = await sql<{ role: string }>`select current_user as role`.execute(kysely);
  assert.equal(rows[0]?.role, role);
  for (const statement of ['update audit_events set actor = $$x$$', 'delete from audit_events', 'drop table users']) {
    await assert.rejects(sql.raw(statement).execute(kysely), /permission denied|must be owner/, statement);
  }
  // Where a job migrates, the service is given its own role alone.
  const alone = await startService('servers', { environment });
  assert.equal((await alone.composed.services.manageUsers.find(person.id)).id, person.id);
  await alone.close();
});
