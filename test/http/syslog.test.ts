import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { loadSettings } from '../../src/config/load-settings.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { readRecord, startSyslogServer, type SyslogServer } from '../support/syslog-server.ts';

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; ;) {
    if (await look()) return;
    assert.ok(Date.now() < end, 'it did not come');
    await new Promise((done) => setTimeout(done, 50));
  }
}

const idsOf = ({ records }: SyslogServer) => records.map((record) => readRecord(record).fields['id']);
const lastEvent = async ({ composed }: TestService) =>
  (await composed.services.auditReader.list({}, { limit: 1 })).items[0]?.id ?? '';

describe('syslog', () => {
  test('every event comes once, in one record, also those of the time in which the server was down', async () => {
    const first = await startSyslogServer();
    const service = await startService('servers', {
      environment: { TWOFOLD_SYSLOG_URL: `syslog+tcp://127.0.0.1:${first.port}` },
    });
    try {
      const person = await service.addPerson();
      const context = { ...testContext, userAgent: 'evil"] \r\n<34>1 forged' };
      const { manageUsers } = service.composed.services;
      await manageUsers.setDisabled(person.id, true, 'command-line', context);
      const before = await lastEvent(service);
      await until(() => idsOf(first).includes(before));
      const record = first.records.map(readRecord).find(({ fields }) => fields['id'] === before);
      assert.equal(record?.type, 'user.disabled');
      assert.equal(record?.fields['target'], person.id);
      assert.equal(record?.fields['user_agent'], 'evil"]   <34>1 forged');
      assert.equal((JSON.parse(record?.message ?? '') as { target: string }).target, person.id);

      await first.close();
      await manageUsers.setDisabled(person.id, false, 'command-line', testContext);
      const missed = await lastEvent(service);
      const queued = () =>
        service.composed.services.database.kysely
          .selectFrom('outbox_attempts')
          .select('error')
          .where('error', 'is not', null)
          .execute();
      await until(async () => (await queued()).length > 0);
      const second = await startSyslogServer(first.port);
      try {
        await until(() => idsOf(second).includes(missed));
        const all = [...idsOf(first), ...idsOf(second)];
        assert.equal(new Set(all).size, all.length);
      } finally {
        await second.close();
      }
    } finally {
      await service.close();
    }
  });

  test('J05 over TLS nothing is sent to a server whose certificate is not trusted; to another one it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'twofold-tls-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const making = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync('openssl', [...making, '-keyout', keyFile, '-out', certFile, ...subject], { stdio: 'ignore' });
    const cert = readFileSync(certFile, 'utf8');
    const server = await startSyslogServer(0, { key: readFileSync(keyFile, 'utf8'), cert });
    const service = await startService('embedded', {
      environment: { TWOFOLD_SYSLOG_URL: `syslog+tls://localhost:${server.port}` },
    });
    const trusted = getCACertificates();
    try {
      const refusals = () =>
        service.composed.services.database.kysely
          .selectFrom('outbox_attempts')
          .select('error')
          .where('error', '=', 'DEPTH_ZERO_SELF_SIGNED_CERT')
          .execute();
      await until(async () => (await refusals()).length > 0);
      assert.deepEqual(server.records, []);
      setDefaultCACertificates([...trusted, cert]);
      await until(() => server.records.length > 0);
      assert.ok(readRecord(server.records[0] ?? '').fields['id']);
    } finally {
      setDefaultCACertificates(trusted);
      await service.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const url of ['udp://host', 'syslog+tcp://', 'syslog+tcp://u@host', 'syslog+tls://host/path', 'https://host']) {
    test(`refuses the setting ${url}`, () => {
      const outcome = loadSettings({ TWOFOLD_SYSLOG_URL: url }, () => '');
      assert.equal(outcome.kind, 'faulty');
      assert.match(outcome.kind === 'faulty' ? outcome.faults.join() : '', /TWOFOLD_SYSLOG_URL/);
    });
  }
});
