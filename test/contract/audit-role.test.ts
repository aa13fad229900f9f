import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { createKeepAuditMonths } from '../../src/audit/prune.ts';
import { createSealer } from '../../src/audit/sealer.ts';
import { createVerifyAudit } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/clock.ts';
import { newBytes, newId } from '../../src/crypto/random.ts';
import { createSecretBox } from '../../src/crypto/secret-box.ts';
import { createLogger } from '../../src/logger.ts';
import { PostgresChainReader, PostgresSealStore } from '../../src/storage/postgres/audit-chain.ts';
import { grantServiceRole } from '../../src/storage/postgres/audit-grants.ts';
import { PostgresAuditLog } from '../../src/storage/postgres/audit-log.ts';
import { PostgresAuditMonthStore } from '../../src/storage/postgres/audit-months.ts';
import { PersonKeys } from '../../src/storage/postgres/audit-person-keys.ts';
import { createInTransaction, openDatabase, type Database } from '../../src/storage/postgres/database.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { testContext } from '../support/stores.ts';

const role = `service_${randomBytes(6).toString('hex')}`;
const password = randomBytes(12).toString('hex');
const limits = {
  poolSize: 3,
  connectionTimeoutMilliseconds: 5000,
  statementTimeoutMilliseconds: 10_000,
  lockTimeoutMilliseconds: 10_000,
};

let fresh: TestDatabase;
let owner: Database;
let service: Database;

before(async () => {
  fresh = await freshDatabase();
  owner = await openDatabase({ url: fresh.url, ...limits });
  await sql.raw(`create role ${role} login password '${password}'`).execute(owner.kysely);
  await grantServiceRole(owner.kysely, role);
  await grantServiceRole(owner.kysely, role);
  const url = new URL(fresh.url);
  url.username = role;
  url.password = password;
  service = await openDatabase({ url: url.href, ...limits });
});

after(async () => {
  await service.close();
  await sql.raw(`drop owned by ${role}`).execute(owner.kysely);
  await sql.raw(`drop role ${role}`).execute(owner.kysely);
  await owner.close();
  await fresh.drop();
});

test('K07 the service’s role records, seals, reads, verifies and keeps months', async () => {
  const secretBox = createSecretBox([{ id: 'k1', key: newBytes(32) }]);
  const inTransaction = createInTransaction(service.kysely, (db) => ({
    audit: new PostgresAuditLog(db, new PersonKeys(secretBox, systemClock)),
    auditMonths: new PostgresAuditMonthStore(db),
    seals: new PostgresSealStore(db),
  }));
  const target = newId();
  await inTransaction(({ audit }) =>
    audit.record({ type: 'session.ended', actor: target, target, result: 'success', context: testContext }),
  );
  await createKeepAuditMonths(inTransaction)();
  assert.equal(await createSealer({ inTransaction, secretBox, logger: createLogger('silent') }).sealNow(), 1);
  const report = await createVerifyAudit({ reader: new PostgresChainReader(service.kysely), secretBox })();
  assert.deepEqual([report.kind, report.events], ['intact', 1]);
});

const partition = `audit_events_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
for (const statement of [
  `update audit_events set reason = 'x'`,
  'delete from audit_events',
  'truncate audit_events',
  `update ${partition} set reason = 'x'`,
  `delete from ${partition}`,
  `truncate ${partition}`,
  `drop table ${partition}`,
  'alter table audit_events disable trigger all',
  `update audit_seals set month = month`,
  'delete from audit_seals',
  'truncate audit_seals',
  'set session_replication_role = replica',
  'update audit_retention set months = 3',
  `select audit_drop_month(now()::date)`,
]) {
  test(`K07 the service’s role cannot: ${statement.replace(partition, 'a month')}`, async () => {
    await assert.rejects(sql.raw(statement).execute(service.kysely), { code: '42501' });
  });
}
