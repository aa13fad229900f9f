import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import { newBytes, newId, newToken } from '../../src/crypto/random.ts';
import { createSmtpTransport } from '../../src/notifications/mail-transport.ts';
import { freshDatabase } from '../support/database.ts';
import { addressOf, sendForm } from '../support/forms.ts';
import { mailEnvironment, startMailServer, type MailServer } from '../support/mail-server.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const mailRows = ({ composed }: TestService) =>
  composed.services.database.kysely
    .selectFrom('outbox')
    .select(['id', 'tries', 'delivered_at', 'secret_sealed', 'payload'])
    .where('channel', '=', 'mail')
    .execute();

const allDelivered = async (service: TestService): Promise<boolean> =>
  (await mailRows(service)).every(({ delivered_at: at }) => at !== null);

test('L32 with the mail server down sign-ins work, and mails leave once, after a restart', async () => {
  const down = await startMailServer();
  await down.close();
  const database = await freshDatabase();
  const environment = {
    ...mailEnvironment(down),
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
    COOKIE_KEYS: newToken(),
  };
  const first = await startService('servers', { environment });
  const person = await first.addPerson();
  await sendForm(new UserAgent(first.issuer), '/forgot-password', { login: person.username });
  const agent = new UserAgent(first.issuer);
  const code = await agent.submitPassword(await agent.begin(), person);
  assert.equal((await agent.submit(code, { code: person.code() })).page, 'consent');
  await until('the request was looked up, and both mails were tried', async () => {
    const rows = await mailRows(first);
    return rows.length === 3 && rows.every(({ tries }) => tries > 0);
  });
  await first.close();

  const mail = await startMailServer({ port: down.port });
  const second = await startService('servers', { environment });
  const third = await startService('servers', { environment });
  try {
    await mail.next(addressOf(person), 'Choose a new password');
    await mail.next(addressOf(person), 'A new browser signed in');
    await until('all is delivered', () => allDelivered(second));
    assert.equal(mail.mails.length, 2);
    const rows = await mailRows(second);
    assert.deepEqual(rows.map(({ secret_sealed: sealed }) => sealed).filter(Boolean), []);
    assert.ok(!rows.some(({ payload }) => JSON.stringify(payload).includes(`"${person.username}"`)));

    // Two replicas empty one outbox: each mail leaves once. Ten an hour of a kind and no more: nobody bombs a mailbox.
    for (let at = 0; at < 20; at += 1) {
      const notice = { kind: 'activation-link', userId: person.id, token: newToken(), context: testContext } as const;
      await second.composed.services.inTransaction(({ outbox }) => outbox.enqueue(notice));
    }
    await until('all is delivered', () => allDelivered(third));
    assert.equal(mail.mails.length, 12);
    assert.equal(new Set(mail.mails.map(({ messageId }) => messageId)).size, 12);
  } finally {
    await second.close();
    await third.close();
    await mail.close();
    await database.drop();
  }
});

test('without a mail server mails become files that only their owner can read; a first factor can take an operator', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-mail-'));
  const service = await startService('embedded', {
    environment: { TWOFOLD_DATA_DIR: folder, TWOFOLD_FIRST_ENROLMENT: 'operator' },
  });
  try {
    const person = await service.addPerson();
    await sendForm(new UserAgent(service.issuer), '/forgot-password', { login: person.username });
    const mails = join(folder, 'mail');
    await until('the mail is delivered', async () => {
      const rows = await mailRows(service);
      return rows.length === 2 && (await allDelivered(service));
    });
    const [eml = '', txt = ''] = readdirSync(mails).toSorted();
    assert.match(eml, /password-reset-link-.*\.eml$/);
    const parsed = await simpleParser(readFileSync(join(mails, eml)));
    const link = /http:\/\/\S+\/reset-password\/\S+/.exec(readFileSync(join(mails, txt), 'utf8'))?.[0] ?? '-';
    assert.ok(parsed.text?.includes(link));
    for (const name of [eml, txt]) assert.equal(statSync(join(mails, name)).mode & 0o077, 0);
    assert.equal((await new UserAgent(service.issuer).get(new URL(link).pathname)).status, 200);

    // Where a first authenticator takes an operator's link, the password of somebody without one leads nowhere.
    const beginner = await service.addPerson({ withoutFactor: true });
    const agent = new UserAgent(service.issuer);
    const held = await agent.submitPassword(await agent.begin(), beginner);
    assert.equal(held.status, 403);
    assert.notEqual(held.page, 'enrol');
  } finally {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('J05 a mail is handed over by TLS that can be trusted, or waits: never in the clear by accident', async () => {
  const plain = await startMailServer();
  const untrusted = await startMailServer({ startTls: true });
  const user = { name: 'twofold', password: 'p@ss:word/1' };
  const known = await startMailServer({ user });
  const sender = { name: 'Twofold', address: 'id@twofold.example', host: 'twofold.example' };
  const letter = { id: newId(), kind: 'x', to: 'ada@example.com', subject: 's', text: 't', html: 'h', at: new Date() };
  const send = async (server: MailServer, startTls: 'required' | 'offered' | 'off', password?: string) => {
    const settings = { url: server.url, user: password === undefined ? undefined : user.name, password, startTls };
    const transport = createSmtpTransport(settings, sender);
    const outcome = await transport.send(letter);
    transport.close();
    return outcome.kind;
  };
  try {
    assert.equal(await send(plain, 'required'), 'retry');
    assert.equal(await send(untrusted, 'required'), 'retry');
    assert.equal(await send(untrusted, 'offered'), 'retry');
    assert.deepEqual([...plain.mails, ...untrusted.mails], []);
    assert.equal(await send(plain, 'offered'), 'delivered');
    assert.equal(await send(known, 'off', 'wrong'), 'retry');
    assert.equal(await send(known, 'off', user.password), 'delivered');
    const { messageId } = known.mails[0] ?? {};
    assert.equal(messageId, `<${letter.id}@twofold.example>`);
  } finally {
    await Promise.all([plain.close(), untrusted.close(), known.close()]);
  }
});
