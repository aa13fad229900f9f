import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { commands } from '../../src/cli/commands.ts';
import { newBytes } from '../../src/crypto/random.ts';
import { sealerLock } from '../../src/storage/postgres/audit-chain.ts';
import { movingClock } from '../support/moving-clock.ts';
import { runCommand } from '../support/run-command.ts';
import { freePort, startService, type TestService } from '../support/service.ts';

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly what: string;
  readonly advice: string | null;
}

describe('the doctor', () => {
  let service: TestService;
  const clock = movingClock();
  before(async () => {
    service = await startService('servers', {
      clock,
      environment: {
        TWOFOLD_SMTP_URL: `smtp://127.0.0.1:${await freePort()}`,
        TWOFOLD_CODE_WINDOW: '2',
        TRUSTED_PROXIES: '0.0.0.0/0',
      },
    });
    await service.addPerson();
  });
  after(() => service.close());

  /** What it found of one check; it fails where anything did. */
  async function found(check: string): Promise<Finding> {
    const lines: string[] = [];
    const { services } = service.composed;
    const io = { lines: (async function* () {})(), out: (line: string) => lines.push(line), progress: () => {} };
    await assert.rejects(async () => commands['doctor']?.(services, { json: true }, io), { code: 'doctor_failed' });
    const findings = lines.map((line) => JSON.parse(line) as Finding);
    const one = findings.find((finding) => finding.check === check);
    assert.ok(one, check);
    return one;
  }

  test('says of each part that is wrong what it is, and what to do', async () => {
    const { kysely } = service.composed.services.database;
    const mail = await found('mail');
    assert.deepEqual([mail.state, mail.advice], ['failed', 'see TWOFOLD_SMTP_URL, _USER and _PASSWORD']);
    assert.match((await found('settings')).what, /TWOFOLD_CODE_WINDOW is weaker/);
    const proxies = await found('proxies');
    assert.deepEqual([proxies.state, proxies.what], ['failed', 'TRUSTED_PROXIES believes everyone']);

    clock.move(60);
    const wrong = await found('clock');
    assert.equal(wrong.state, 'failed');
    assert.match(wrong.what, /^(5|6)\d\.\d seconds from the database's$/);
    assert.match(wrong.advice ?? '', /NTP/);
    clock.move(-60);
    assert.equal((await found('clock')).state, 'ok');

    // Not due yet, or it would be sent before anybody looks.
    await sql`
      insert into outbox (id, channel, kind, payload, created_at, next_try_at)
      values (gen_random_uuid(), 'webhook', 'test', '{}', now() - interval '20 minutes', now() + interval '1 hour')
      `.execute(kysely);
    const outbox = await found('outbox');
    assert.deepEqual([outbox.state, outbox.what], ['warning', 'webhook waits since 20 minutes']);
    await kysely.deleteFrom('outbox').execute();

    const event = { type: 'service.started', actor: 'service', target: '', result: 'success' } as const;
    const context = { requestId: '', address: '', userAgent: '' };
    const audit = await kysely.transaction().execute(async (held) => {
      await sql`select pg_advisory_xact_lock(${sealerLock})`.execute(held);
      await service.composed.services.inTransaction((stores) => stores.audit.record({ ...event, context }));
      await sql`update audit_unsealed set at = now() - interval '10 minutes'`.execute(kysely);
      return found('audit');
    });
    assert.equal(audit.state, 'warning');
    assert.match(audit.what, /wait for their seal since 10 minutes/);

    const other = newBytes(40).toString('base64');
    await sql`update authenticators set secret_sealed = ${`v1.k9.${other}`}`.execute(kysely);
    const keys = await found('encryption_keys');
    assert.equal(keys.state, 'failed');
    assert.match(keys.what, /sealed values do not open \(authenticators\)/);
    assert.equal(keys.advice, 'put the key that is missing back into ENCRYPTION_KEYS');

    await sql`delete from kysely_migration where name = (select max(name) from kysely_migration)`.execute(kysely);
    const migrations = await found('migrations');
    assert.deepEqual([migrations.state, migrations.advice], ['failed', 'run twofold migrate']);
    await assert.rejects(runCommand(service.composed.services, 'doctor'), { code: 'doctor_failed' });
  });
});
