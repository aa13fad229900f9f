import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { addOperator, adminClient, registerAdminTool, serviceToken, type AdminClient } from '../support/admin-app.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`the admin API on ${shape}`, () => {
    let service: TestService;
    let api: AdminClient;
    before(async () => {
      service = await startService(shape);
      await registerAdminTool(service);
      api = adminClient(service, await serviceToken(service, 'service'));
    });
    after(() => service.close());

    test('creates a person without a password and answers a link that sets the account up', async () => {
      const made = await api.POST('/users', {
        body: { username: 'ada', email: 'ada@example.com', claims: { name: 'Ada Lovelace' }, locale: 'de' },
      });
      assert.equal(made.response.status, 201);
      assert.equal(made.data?.status, 'pending');
      assert.equal(made.data.second_factor.enabled, false);
      assert.equal(made.data.second_factor.required, true);
      assert.equal(made.response.headers.get('location'), `/admin/api/v1/users/${made.data.id}`);
      const page = await new UserAgent(service.issuer).get(new URL(made.data.activation_url).pathname);
      assert.equal(page.status, 200);
      assert.equal((await api.POST('/users', { body: { username: 'ADA' } })).error?.code, 'login_taken');
    });

    test('lists people in pages, counts them, and finds them by how their names begin', async () => {
      for (let n = 0; n < 5; n += 1) await api.POST('/users', { body: { username: `page-${n}` } });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const query = { query: 'PAGE-', limit: 2, total: true, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await api.GET('/users', { params: { query } });
        assert.equal(data?.total, 5);
        seen.push(...data.items.map(({ username }) => username));
        cursor = data.next_cursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(seen, ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
      const person = await service.addPerson();
      const enabled = await api.GET('/users', {
        params: { query: { second_factor: 'enabled', query: person.username } },
      });
      assert.equal(enabled.data?.items[0]?.second_factor.authenticators.length, 1);
      assert.equal(enabled.data?.items[0]?.status, 'active');
      const none = await api.GET('/users', { params: { query: { second_factor: 'none', query: person.username } } });
      assert.deepEqual(none.data?.items, []);
    });

    test('H11 H17 K17 a page has a bounded size, and nothing in a search is a pattern', async () => {
      for (const limit of ['0', '201', '1000000000', '-1', '1e2', 'NaN', '', '1.5', '9223372036854775808']) {
        const answer = await raw('GET', `/users?limit=${limit}`);
        assert.equal(answer.status, 400, limit);
        assert.equal(answer.body['field'], 'limit');
      }
      for (const text of ['%', '_', '\\', "' or 1=1 --", '.*', 'a'.repeat(254), "'; drop table users; --"]) {
        const answer = await raw('GET', `/users?query=${encodeURIComponent(text)}`);
        assert.equal(answer.status, 200, text);
        assert.deepEqual(answer.body['items'], [], text);
      }
      for (const cursor of ['x', "' or 1=1 --", Buffer.from('k\u0000').toString('base64url')]) {
        const answer = await raw('GET', `/users?cursor=${encodeURIComponent(cursor)}`);
        assert.equal(answer.status, 400, cursor);
        assert.equal(answer.body['field'], 'cursor');
      }
      assert.equal((await raw('GET', '/users?limit=1&limit=2')).body['field'], 'limit');
      assert.equal((await raw('GET', '/users?order=password_hash')).body['code'], 'unknown_field');
    });

    test('K02 H12 fields that nobody may write, and names of prototypes, are refused by name', async () => {
      const made = await api.POST('/users', { body: { username: `fields-${randomUUID().slice(0, 8)}` } });
      const path = `/users/${made.data?.id}`;
      for (const field of ['id', 'password_hash', 'password', 'created_at', 'second_factor', 'status', 'version']) {
        const answer = await raw('PATCH', path, { [field]: 'x' });
        assert.deepEqual([answer.status, answer.body['code'], answer.body['field']], [400, 'read_only_field', field]);
      }
      for (const field of ['role', 'verified', 'total', 'last_step', 'constructor', 'prototype', '__proto__']) {
        const answer = await raw('PATCH', path, `{"${field}":{"polluted":true}}`);
        assert.deepEqual([answer.status, answer.body['code'], answer.body['field']], [400, 'unknown_field', field]);
      }
      const nested = await raw('PATCH', path, '{"claims":{"__proto__":{"polluted":true}}}');
      assert.equal(nested.body['field'], 'claims.__proto__');
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
        const user = await api.POST('/users', { body: { username: name } });
        assert.equal(user.data?.username, name);
        const client = await api.POST('/clients', {
          body: { client_id: name, redirect_uris: ['https://rp.example/'] },
        });
        assert.equal(client.data?.client_id, name);
      }
    });

    test('a change counts only on the state that was read', async () => {
      const made = await api.POST('/users', { body: { username: `etag-${randomUUID().slice(0, 8)}` } });
      const path = { id: made.data?.id ?? '' };
      const tag = made.response.headers.get('etag') ?? '';
      const first = await api.PATCH('/users/{id}', {
        params: { path, header: { 'If-Match': tag } },
        body: { claims: { name: 'First' } },
      });
      assert.equal(first.response.status, 200);
      assert.notEqual(first.response.headers.get('etag'), tag);
      const second = await api.PATCH('/users/{id}', {
        params: { path, header: { 'If-Match': tag } },
        body: { claims: { name: 'Second' } },
      });
      assert.equal(second.response.status, 412);
      assert.equal(second.error?.code, 'version_changed');
      const gone = await api.DELETE('/users/{id}', { params: { path, header: { 'If-Match': tag } } });
      assert.equal(gone.response.status, 412);
      assert.equal((await api.DELETE('/users/{id}', { params: { path } })).response.status, 204);
      assert.equal((await api.GET('/users/{id}', { params: { path } })).response.status, 404);
    });

    test('of parallel repeats of one call one has an effect, and a repeat gets the same answer', async () => {
      const key = randomUUID();
      const username = `once-${key.slice(0, 8)}`;
      const call = () => api.POST('/users', { params: { header: { 'Idempotency-Key': key } }, body: { username } });
      const parallel = await Promise.all(Array.from({ length: 10 }, call));
      const statuses = parallel.map(({ response }) => response.status);
      assert.ok(statuses.every((status) => status === 201 || status === 409));
      const again = await call();
      assert.equal(again.response.status, 201);
      assert.equal(again.response.headers.get('idempotency-replayed'), 'true');
      const made = parallel.find(({ data }) => data !== undefined);
      assert.deepEqual(again.data, made?.data);
      const other = await api.POST('/users', {
        params: { header: { 'Idempotency-Key': key } },
        body: { username: `${username}-other` },
      });
      assert.equal(other.error?.code, 'idempotency_key_reused');
      const { rows } = await service.composed.services.database.kysely
        .selectFrom('idempotent_answers')
        .selectAll()
        .execute()
        .then((all) => ({ rows: JSON.stringify(all) }));
      assert.ok(!rows.includes('set-up'), 'links lie sealed');
    });

    test('K14 secrets of a client are shown once, two are valid at once, and a deleted one is dead', async () => {
      const made = await api.POST('/clients', {
        body: {
          client_name: 'Job',
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
          scope: 'admin:users:read',
        },
      });
      const id = made.data?.client_id ?? '';
      const first = made.data?.client_secret ?? '';
      assert.ok(first.length >= 40);
      const params = { path: { client_id: id } };
      const second = (await api.POST('/clients/{client_id}/secrets', { params })).data;
      const third = await api.POST('/clients/{client_id}/secrets', { params });
      assert.equal(third.error?.code, 'too_many_secrets');
      const shown = await api.GET('/clients/{client_id}', { params });
      assert.equal(shown.data?.secrets.length, 2);
      for (const secret of [first, second?.client_secret ?? '']) {
        assert.ok(!JSON.stringify(shown.data).includes(secret));
        assert.equal(await ask(id, secret), 200);
      }
      const [oldest] = shown.data?.secrets ?? [];
      const path = { client_id: id, secretId: oldest?.id ?? '' };
      assert.equal(
        (await api.DELETE('/clients/{client_id}/secrets/{secretId}', { params: { path } })).response.status,
        204,
      );
      assert.equal(await ask(id, first), 401);
      assert.equal(await ask(id, second?.client_secret ?? ''), 200);
      await api.POST('/clients/{client_id}/secrets', { params, body: { previous_expires_in: 0 } });
      assert.equal(await ask(id, second?.client_secret ?? ''), 401);
    });

    test('a relying party is changed field by field, and refused where the engine would refuse it', async () => {
      const made = await api.POST('/clients', {
        body: { client_name: 'Shop', redirect_uris: ['https://shop.example/cb'], client_uri: 'https://shop.example/' },
      });
      const params = { path: { client_id: made.data?.client_id ?? '' } };
      const changed = await api.PATCH('/clients/{client_id}', {
        params,
        body: { client_uri: null, first_party: true },
      });
      assert.equal(changed.data?.client_uri, undefined);
      assert.equal(changed.data?.first_party, true);
      assert.equal(changed.data?.client_name, 'Shop');
      for (const body of [
        { redirect_uris: ['http://shop.example/cb'] },
        { redirect_uris: ['https://*.example/cb'] },
        { token_endpoint_auth_method: 'private_key_jwt' as const },
        { token_endpoint_auth_method: 'none' as const, require_pkce: false },
      ]) {
        const refused = await api.PATCH('/clients/{client_id}', { params, body });
        assert.equal(refused.response.status, 400, JSON.stringify(body));
        assert.notEqual(refused.error?.field, undefined);
      }
      assert.equal((await api.DELETE('/clients/{client_id}', { params })).response.status, 204);
      assert.equal((await api.GET('/clients/{client_id}', { params })).response.status, 404);
    });

    test('imports people line by line, and answers each line', async () => {
      const lines = [
        { username: 'imported-1', email: 'imported-1@example.com' },
        { username: 'imported-1' },
        { username: 'imported-2', unknown: true },
        'no json',
        { username: 'imported-3' },
      ].map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      const response = await fetch(`${service.issuer}/admin/api/v1/users/import`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
        body: `${lines.join('\n')}\n`,
      });
      assert.equal(response.status, 200);
      const results = (await response.text())
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { result: string }).result);
      assert.deepEqual(results, ['created', 'refused', 'refused', 'refused', 'created']);
    });

    test('policies are set under a version, and a simulation tells what would be asked', async () => {
      const put = await api.PUT('/policies/{key}', {
        params: { path: { key: 'role:auditor' } },
        body: { second_factor: 'required' },
      });
      assert.equal(put.response.status, 200);
      const stale = await api.PUT('/policies/{key}', {
        params: { path: { key: 'role:auditor' }, header: { 'If-Match': '"99"' } },
        body: { second_factor: 'required' },
      });
      assert.equal(stale.response.status, 412);
      assert.equal((await api.GET('/policies')).data?.items.length, 1);
      const person = await service.addPerson();
      const simulated = await api.POST('/policy/simulate', { body: { user: person.username, client_id: 'rp' } });
      assert.deepEqual(
        simulated.data?.steps.map(({ step }) => step),
        ['password', 'one-time-code', 'finish'],
      );
      const gone = await api.DELETE('/policies/{key}', { params: { path: { key: 'role:auditor' } } });
      assert.equal(gone.response.status, 204);
      const report = await api.GET('/reports/second-factor');
      assert.ok((report.data?.enabled ?? 0) >= 1);
    });

    test('what was done is found in the record, which is whole', async () => {
      const made = await api.POST('/users', { body: { username: `record-${randomUUID().slice(0, 8)}` } });
      const requestId = made.response.headers.get('x-request-id') ?? '';
      const events = await api.GET('/audit-events', { params: { query: { request_id: requestId, total: true } } });
      assert.deepEqual(
        events.data?.items.map(({ type, actor, target }) => [type, actor, target]),
        [['user.created', 'client:service', made.data?.id]],
      );
      assert.equal(events.data?.total, 1);
      const one = await api.GET('/audit-events/{eventId}', {
        params: { path: { eventId: events.data?.items[0]?.id ?? '' } },
      });
      assert.equal(one.data?.request_id, requestId);
      assert.equal((await api.GET('/audit-events/verify')).data?.result, 'intact');
      const reads = await api.GET('/audit-events', { params: { query: { type: 'operator.read' } } });
      assert.ok((reads.data?.items.length ?? 0) > 0, 'reading the record is recorded');
      const exported = await api.GET('/audit-events/export', {
        params: { query: { request_id: requestId } },
        parseAs: 'text',
      });
      assert.equal(exported.data?.trim().split('\n').length, 1);
    });

    test('K20 ends every session of everybody in one call', async () => {
      const people = await Promise.all([service.addPerson(), service.addPerson(), addOperator(service, 'operator')]);
      const agents = await Promise.all(
        people.map(async (person) => {
          const agent = new UserAgent(service.issuer);
          await agent.signIn(person);
          return agent;
        }),
      );
      const ended = await api.DELETE('/sessions');
      assert.ok((ended.data?.sessions ?? 0) >= 3);
      for (const agent of agents) {
        const silent = await agent.begin({ prompt: 'none' });
        assert.match(silent.location ?? '', /error=login_required/);
      }
    });

    test('sessions and grants of a person are listed, and end one by one', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await agent.signIn(person);
      const params = { path: { id: person.id } };
      const [session] = (await api.GET('/users/{id}/sessions', { params })).data?.items ?? [];
      assert.deepEqual(session?.clients, ['rp']);
      const [grant] = (await api.GET('/users/{id}/grants', { params })).data?.items ?? [];
      assert.deepEqual([grant?.client_id, grant?.scopes], ['rp', ['openid']]);
      const other = await service.addPerson();
      const foreign = await api.DELETE('/users/{id}/sessions/{sessionId}', {
        params: { path: { id: other.id, sessionId: session?.id ?? '' } },
      });
      assert.equal(foreign.response.status, 404, 'an id is checked against its owner');
      const path = { id: person.id, sessionId: session?.id ?? '' };
      assert.equal((await api.DELETE('/users/{id}/sessions/{sessionId}', { params: { path } })).response.status, 204);
      assert.match((await agent.begin({ prompt: 'none' })).location ?? '', /error=login_required/);
      const grantPath = { id: person.id, grantId: grant?.id ?? '' };
      assert.equal(
        (await api.DELETE('/users/{id}/grants/{grantId}', { params: { path: grantPath } })).response.status,
        204,
      );
    });

    let token = '';
    before(async () => {
      token = await serviceToken(service, 'raw-service');
    });

    async function raw(method: string, path: string, body?: unknown) {
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(`${service.issuer}/admin/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(text === undefined ? {} : { body: text }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    }

    async function ask(id: string, secret: string): Promise<number> {
      const response = await fetch(`${service.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource: `${service.issuer}/admin`,
          scope: 'admin:users:read',
        }),
      });
      return response.status;
    }
  });
}
