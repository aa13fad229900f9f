import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { shownEventSchema } from '../../src/audit/event-schemas.ts';
import type { AuditEventType } from '../../src/domain/audit-event.ts';
import { adminClient, serviceToken } from '../support/admin-app.ts';
import { runJson } from '../support/run-command.ts';
import { startAgain, startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: Record<string, unknown>;
}

/** As a receiver does it that knows the Standard Webhooks document alone. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const expected = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  const age = Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']));
  return age < 300 && String(headers['webhook-signature']).split(' ').includes(expected);
}

describe('webhooks', () => {
  let service: TestService;
  let receiver: Server;
  let base: string;
  const answers = new Map<string, number>();
  const received: Received[] = [];
  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { headers, url: path = '' } = request;
        received.push({ path, headers, body, event: JSON.parse(body) as Record<string, unknown> });
        response.writeHead(answers.get(path) ?? 204).end();
        answers.delete(path);
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    service = await startService('servers', { environment: { TWOFOLD_OUTBOUND_ALLOWED: '127.0.0.0/8' } });
  });
  after(async () => {
    await service?.close();
    receiver.close();
  });

  const services = () => service.composed.services;
  const add = (path: string, ...eventTypes: string[]) =>
    services().manageWebhooks.add({ url: `${base}${path}`, eventTypes }, 'command-line', testContext);
  const atPath = (path: string) => received.filter((one) => one.path === path);
  async function until<Value>(look: () => Value | undefined | Promise<Value | undefined>): Promise<Value> {
    for (const end = Date.now() + 20_000; ;) {
      const found = await look();
      if (found !== undefined) return found;
      assert.ok(Date.now() < end, 'it did not come');
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  const disable = (id: string) => services().manageUsers.setDisabled(id, true, 'command-line', testContext);

  test('an event of a type it wants is sent once, signed, in the shape of its schema', async () => {
    const { secret } = await add('/shape', 'user.disabled');
    const person = await service.addPerson();
    await disable(person.id);
    const message = await until(() => atPath('/shape')[0]);
    assert.ok(isSigned(message, secret));
    assert.equal(isSigned({ ...message, body: `${message.body} ` }, secret), false);
    assert.equal(message.event['target'], person.id);
    shownEventSchema(message.event['type'] as AuditEventType).parse(message.event);
    assert.equal(message.headers['content-type'], 'application/json');
    // Another event after it: had the first been sent twice, it would stand between them.
    const other = await service.addPerson();
    await disable(other.id);
    await until(() => atPath('/shape').find(({ event }) => event['target'] === other.id));
    assert.equal(atPath('/shape').length, 2);
    assert.notEqual(message.headers['webhook-id'], atPath('/shape')[1]?.headers['webhook-id']);
  });

  test('a family and a star name many types; what is turned off or not asked for is not sent', async () => {
    const off = await add('/off', '*');
    await services().manageWebhooks.change(off.webhook.id, { enabled: false }, 'command-line', testContext);
    await add('/families', 'user.*');
    const { id } = await service.addPerson();
    await services().manageUsers.update(id, { roles: ['auditor'] }, 'command-line', testContext);
    await disable(id);
    // Each goes out by itself, in no order.
    for (const type of ['user.changed', 'user.disabled'])
      await until(() => atPath('/families').find(({ event }) => event['type'] === type));
    assert.ok(atPath('/families').every(({ event }) => String(event['type']).startsWith('user.')));
    assert.deepEqual(atPath('/off'), []);
  });

  test('both secrets sign while one is replaced, and the old one no longer than that', async () => {
    const first = await add('/rotate', 'user.disabled');
    const { id } = first.webhook;
    const second = await services().manageWebhooks.rotateSecret(id, 3600, 'command-line', testContext);
    assert.notEqual(first.secret, second.secret);
    await services().manageWebhooks.test(id);
    const both = await until(() => atPath('/rotate')[0]);
    assert.ok(isSigned(both, first.secret) && isSigned(both, second.secret));
    const third = await services().manageWebhooks.rotateSecret(id, 0, 'command-line', testContext);
    await services().manageWebhooks.test(id);
    const one = await until(() => atPath('/rotate')[1]);
    assert.equal(isSigned(one, second.secret), false);
    assert.ok(isSigned(one, third.secret));
  });

  test('what was not taken is tried again under the same id, by another process if need be; attempts tell', async () => {
    const { webhook, secret } = await add('/later', 'user.disabled');
    answers.set('/later', 503);
    const person = await service.addPerson();
    await disable(person.id);
    const refused = await until(() => atPath('/later')[0]);
    const messages = () => services().manageWebhooks.listMessages(webhook.id, 10);
    await until(async () => (await messages())[0]?.attempts[0]);
    // The process that tried it ends; a new one finds it in the outbox.
    await service.composed.close();
    const restarted = await startAgain(service.composed);
    try {
      const taken = await until(() => atPath('/later')[1]);
      assert.equal(taken.headers['webhook-id'], refused.headers['webhook-id']);
      assert.equal(taken.body, refused.body);
      assert.ok(isSigned(taken, secret));
      const message = await until(async () => {
        const [first] = await restarted.services.manageWebhooks.listMessages(webhook.id, 10);
        return first?.state === 'delivered' ? first : undefined;
      });
      assert.deepEqual(
        message.attempts.map(({ number, status, error }) => [number, status, error]),
        [
          [1, 503, 'not taken'],
          [2, 204, null],
        ],
      );
      assert.equal(message.nextTryAt, null);
    } finally {
      await restarted.close();
    }
    await service.close();
    service = await startService('embedded', { environment: { TWOFOLD_OUTBOUND_ALLOWED: '127.0.0.0/8' } });
  });

  test('410 turns a webhook off, and the record says so', async () => {
    const { webhook } = await add('/gone', 'user.disabled');
    answers.set('/gone', 410);
    await disable((await service.addPerson()).id);
    await until(async () => (await services().manageWebhooks.find(webhook.id)).disabledAt ?? undefined);
    const { items } = await services().auditReader.list({ types: ['webhook.changed'] }, { limit: 1 });
    assert.equal(items[0]?.reason, 'gone');
    await assert.rejects(services().manageWebhooks.test(webhook.id), { code: 'webhook_disabled' });
  });

  test('the command line adds, shows, tests and removes; the secret is shown once', async () => {
    const [added] = await runJson(services(), 'webhooks add', { url: `${base}/line`, events: 'user.disabled' });
    assert.match(String(added?.['secret']), /^whsec_/);
    const webhook = String(added?.['id']);
    await runJson(services(), 'webhooks test', { webhook });
    assert.equal((await until(() => atPath('/line')[0])).event['type'], 'webhook.test');
    const tried = await until(async () => {
      const [message] = await runJson(services(), 'webhooks attempts', { webhook });
      return message?.['state'] === 'delivered' ? message : undefined;
    });
    assert.equal(tried['event'], null);
    const [rotated] = await runJson(services(), 'webhooks rotate-secret', { webhook, overlapHours: '1' });
    assert.notEqual(rotated?.['secret'], added?.['secret']);
    const listed = await runJson(services(), 'webhooks list', {});
    assert.equal(
      listed.some((one) => 'secret' in one),
      false,
    );
    await runJson(services(), 'webhooks remove', { webhook });
    assert.equal(
      (await runJson(services(), 'webhooks list', {})).some((one) => one['id'] === webhook),
      false,
    );
    await assert.rejects(runJson(services(), 'webhooks attempts', { webhook: 'x' }), { field: 'webhook' });
  });

  test('the admin API does the same, by scope, with versions; nothing shows a secret again', async () => {
    const api = adminClient(service, await serviceToken(service, 'siem', 'admin:audit'));
    const reader = adminClient(service, await serviceToken(service, 'reader', 'admin:audit:read'));
    const body = { url: `${base}/api`, event_types: ['user.disabled' as const], description: 'SIEM' };
    assert.equal((await reader.POST('/webhooks', { body })).response.status, 403);
    const { data: made, response } = await api.POST('/webhooks', { body });
    assert.equal(response.status, 201);
    const params = { path: { webhookId: made?.id ?? '' } };
    const shown = await reader.GET('/webhooks/{webhookId}', { params });
    assert.equal(JSON.stringify(shown.data).includes(made?.secret ?? ''), false);
    const stale = { params: { ...params, header: { 'If-Match': '"9"' } }, body: { enabled: false } };
    assert.equal((await api.PATCH('/webhooks/{webhookId}', stale)).response.status, 412);
    const { data: changed } = await api.PATCH('/webhooks/{webhookId}', { params, body: { description: 'SIEM 2' } });
    assert.equal(changed?.description, 'SIEM 2');
    assert.equal((await api.POST('/webhooks/{webhookId}/test', { params })).response.status, 202);
    assert.equal((await api.POST('/webhooks/{webhookId}/test', { params })).response.status, 202);
    await until(() => atPath('/api')[1]);
    const first = await reader.GET('/webhooks/{webhookId}/attempts', { params: { ...params, query: { limit: 1 } } });
    const cursor = first.data?.next_cursor ?? '';
    const next = await reader.GET('/webhooks/{webhookId}/attempts', {
      params: { ...params, query: { limit: 1, cursor } },
    });
    assert.notEqual(first.data?.items[0]?.id, next.data?.items[0]?.id);
    assert.equal(next.data?.next_cursor, null);
    assert.equal((await api.POST('/webhooks/{webhookId}/rotate-secret', { params })).response.status, 200);
    assert.equal((await api.DELETE('/webhooks/{webhookId}', { params })).response.status, 204);
    assert.equal((await api.GET('/webhooks/{webhookId}', { params })).response.status, 404);
    const wrong = { ...body, event_types: ['user.nothing' as 'user.disabled'] };
    assert.equal((await api.POST('/webhooks', { body: wrong })).response.status, 400);
  });
});

describe('addresses of webhooks', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service?.close());

  const addresses = [
    'https://127.0.0.1/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/',
    'https://10.0.0.1/',
    'https://100.64.0.1/',
    'https://[fd00::1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://017700000001/',
    'https://localhost./',
    'https://user@hook.example/',
    'http://hook.example/',
    'file:///etc/passwd',
    'gopher://hook.example/',
    'unix:/run/docker.sock',
    'nothing',
  ];
  for (const url of addresses) {
    test(`J06 refuses to register ${url}`, async () => {
      const { manageWebhooks } = service.composed.services;
      await assert.rejects(manageWebhooks.add({ url, eventTypes: ['*'] }, 'command-line', testContext), {
        code: 'invalid_input',
        field: 'url',
      });
    });
  }

  test('J06 a name that leads inside is refused when it is sent, given up, recorded once and told to no webhook', async () => {
    const { manageWebhooks, auditReader } = service.composed.services;
    const wanted = { url: 'https://localtest.invalid/', eventTypes: ['*'] };
    const { webhook } = await manageWebhooks.add(wanted, 'command-line', testContext);
    // Written past the check, as a name that resolves inside only later is.
    await service.composed.services.database.kysely
      .updateTable('webhooks')
      .set({ url: 'https://localhost/' })
      .where('id', '=', webhook.id)
      .execute();
    await manageWebhooks.test(webhook.id);
    const tried = async () =>
      (await manageWebhooks.listMessages(webhook.id, 50)).filter(({ type }) => type === 'webhook.test');
    while ((await tried())[0]?.state !== 'failed') await new Promise((done) => setTimeout(done, 50));
    assert.equal((await tried())[0]?.attempts[0]?.error, 'this address is not to be reached');
    // The sealer publishes each second; what it published of the refusal would be among the messages.
    await manageWebhooks.change(webhook.id, { description: 'later' }, 'command-line', testContext);
    const all = async () => (await manageWebhooks.listMessages(webhook.id, 50)).map(({ type }) => type);
    while (!(await all()).includes('webhook.changed')) await new Promise((done) => setTimeout(done, 50));
    assert.equal((await all()).includes('outbound.refused'), false);
    const { items } = await auditReader.list({ types: ['outbound.refused'] }, { limit: 50 });
    assert.ok(items.length > 0);
  });
});
