import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { serviceToken } from '../support/admin-app.ts';
import { startService, type TestService } from '../support/service.ts';

describe('an import over HTTP', () => {
  let service: TestService;
  let token: string;
  before(async () => {
    service = await startService('embedded');
    token = await serviceToken(service, 'importer');
  });
  after(() => service.close());

  const open = (): ClientRequest =>
    request(`${service.issuer}/admin/api/v1/users/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    });

  test('whoever sends a line and waits is answered before the next', async () => {
    const sender = open();
    const answered = once(sender, 'response') as Promise<[IncomingMessage]>;
    sender.write('{"username":"first"}\n');
    const [response] = await answered;
    assert.equal(response.statusCode, 200);
    const lines = createInterface({ input: response })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    assert.deepEqual(await next(), { line: 1, username: 'first', result: 'created' });
    sender.write('{"username":"second"}\n');
    assert.deepEqual(await next(), { line: 2, username: 'second', result: 'created' });
    sender.end();
    assert.equal((await lines.next()).done, true);
  });

  test('K whoever reads no answers is read from no further, and an import that is broken off is recorded so', async () => {
    const sender = open();
    sender.on('error', () => {});
    const answered = once(sender, 'response') as Promise<[IncomingMessage]>;
    const chunk = '{}\n'.repeat(20_000);
    const most = 40 * 1024 * 1024;
    let sent = 0;
    let isHeld = false;
    while (sent < most && !isHeld) {
      sent += chunk.length;
      if (sender.write(chunk)) continue;
      const waiting = new AbortController();
      const drained = once(sender, 'drain', { signal: waiting.signal }).then(
        () => false,
        () => true,
      );
      const timer = setTimeout(() => waiting.abort(), 3000);
      isHeld = await drained;
      clearTimeout(timer);
    }
    assert.ok(isHeld, `${sent} bytes were taken from somebody who reads nothing`);
    const [response] = await answered;
    response.on('error', () => {});
    sender.destroy();
    const { kysely } = service.composed.services.database;
    for (;;) {
      const ended = await kysely
        .selectFrom('audit_events')
        .select('result')
        .where('type', '=', 'import.completed')
        .orderBy('id')
        .execute();
      if (ended.length === 2) {
        assert.deepEqual(
          ended.map(({ result }) => result),
          ['success', 'failure'],
        );
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
