import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openApiDocument } from '../../src/admin/api/openapi.ts';
import { accountToken, registerAccountApp } from '../support/account-app.ts';
import {
  addOperator,
  adminClient,
  personToken,
  registerAdminTool,
  serviceToken,
  setRoles,
} from '../support/admin-app.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { token, UserAgent } from '../support/user-agent.ts';

const paths = Object.entries(openApiDocument().paths ?? {});
const operations = paths.flatMap(([path, item]) =>
  (['get', 'post', 'put', 'patch', 'delete'] as const)
    .filter((method) => item[method] !== undefined)
    .map((method) => ({ path, method: method.toUpperCase() })),
);
const anyId = '00000000-0000-4000-8000-000000000000';

describe('access to the admin API', () => {
  let service: TestService;
  let operator: TestPerson;
  let operatorToken: string;
  let operatorAgent: UserAgent;
  let aheadSeconds = 0;
  const clock = {
    now: () => new Date(clock.epochMilliseconds()),
    epochSeconds: () => Math.floor(clock.epochMilliseconds() / 1000),
    epochMilliseconds: () => Date.now() + aheadSeconds * 1000,
  };
  before(async () => {
    service = await startService('servers', { clock });
    await registerAdminTool(service);
    await registerAccountApp(service);
    operator = await addOperator(service, 'operator');
    operatorAgent = new UserAgent(service.issuer);
    operatorToken = await personToken(service, operator, undefined, operatorAgent);
  });
  after(() => service.close());

  function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Response> {
    return fetch(`${service.issuer}/admin/api/v1${path.replaceAll(/\{\w+\}/g, anyId)}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  test('K01 E25 no call is reachable without a token for this API', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const tokens = await agent.redeem(await agent.signIn(person));
    const cookie = [...operatorAgent.cookies].map(([name, { value }]) => `${name.split('|')[0]}=${value}`).join('; ');
    const wrong: Record<string, Record<string, string>> = {
      none: {},
      'a session cookie of an operator': { cookie },
      'a token for userinfo': { authorization: `Bearer ${tokens.access_token}` },
      'an ID token': { authorization: `Bearer ${tokens.id_token}` },
      'a token for the account API': { authorization: `Bearer ${await accountToken(service, person, agent)}` },
      'a made-up token': { authorization: `Bearer ${'x'.repeat(43)}` },
    };
    for (const { path, method } of operations) {
      for (const [what, headers] of Object.entries(wrong)) {
        const answer = await call(method, path, headers);
        assert.equal(answer.status, 401, `${method} ${path} with ${what}`);
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
        await answer.text();
      }
    }
    const refused = await adminClient(service, operatorToken).GET('/audit-events', {
      params: { query: { type: 'access.refused', total: true } },
    });
    assert.ok((refused.data?.total ?? 0) >= operations.length * 6, 'each is recorded');
  });

  test('K01 somebody without a role gets nothing, however the token was asked', async () => {
    const access = await personToken(service, await service.addPerson());
    for (const { path, method } of operations) {
      const answer = await call(method, path, { authorization: `Bearer ${access}` });
      assert.equal(answer.status, 403, `${method} ${path}`);
      assert.match(answer.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/);
      await answer.text();
    }
  });

  test('a token opens what its scopes name and nothing else, and no more than is registered now', async () => {
    const access = await serviceToken(service, 'reader', 'admin:users:read');
    const api = adminClient(service, access);
    assert.equal((await api.GET('/users')).response.status, 200);
    assert.equal((await api.GET('/clients')).response.status, 403);
    assert.equal((await api.POST('/users', { body: { username: 'nobody' } })).response.status, 403);
    await serviceToken(service, 'reader', 'admin:clients:read');
    assert.equal((await api.GET('/users')).response.status, 403, 'the registration was cut');
    await service.composed.services.inTransaction(({ relyingParties }) => relyingParties.remove('reader'));
    assert.equal((await api.GET('/users')).response.status, 401);
  });

  test('roles count at every call: who loses one, or is disabled, is out at once', async () => {
    const person = await addOperator(service, 'auditor');
    const api = adminClient(service, await personToken(service, person));
    assert.equal((await api.GET('/users')).response.status, 200);
    assert.equal((await api.GET('/audit-events')).response.status, 200);
    assert.equal((await api.POST('/users', { body: { username: 'x' } })).response.status, 403);
    await setRoles(service, person, []);
    assert.equal((await api.GET('/users')).response.status, 403);
    await setRoles(service, person, ['auditor']);
    await service.composed.services.manageUsers.setDisabled(person.id, true, 'test', testContext);
    assert.equal((await api.GET('/users')).response.status, 401);
  });

  test('K03 a change needs a fresh sign-in, and says so by RFC 9470; reading does not', async () => {
    const person = await addOperator(service, 'operator');
    const access = await personToken(service, person);
    aheadSeconds = 601;
    try {
      const headers = { authorization: `Bearer ${access}` };
      assert.equal((await call('GET', '/users', headers)).status, 200);
      const answer = await call('POST', '/users', headers, { username: 'stale' });
      assert.equal(answer.status, 401);
      const challenge = answer.headers.get('www-authenticate') ?? '';
      assert.match(challenge, /error="insufficient_user_authentication"/);
      assert.match(challenge, /acr_values="urn:twofold:acr:2fa"/);
      assert.match(challenge, /max_age=600/);
      assert.equal(((await answer.json()) as { code: string }).code, 'insufficient_user_authentication');
    } finally {
      aheadSeconds = 0;
    }
  });

  test('K03 a reset voids everything, ends everything, and answers the one way back', async () => {
    const api = adminClient(service, operatorToken);
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const tokens = await agent.redeem(
      await agent.signIn(person, { scope: 'openid offline_access', prompt: 'consent' }),
    );
    const params = { path: { id: person.id } };
    const unreasoned = await api.POST('/users/{id}/second-factor/reset', { params, body: { reason: ' ' } });
    assert.deepEqual([unreasoned.response.status, unreasoned.error?.field], [400, 'reason']);
    const reset = await api.POST('/users/{id}/second-factor/reset', { params, body: { reason: 'Lost the phone' } });
    assert.equal(reset.response.status, 200);
    const shown = (await api.GET('/users/{id}', { params })).data;
    assert.deepEqual(shown?.second_factor.authenticators, []);
    assert.equal(shown.second_factor.recovery_codes_remaining, 0);
    assert.equal(shown.password_set, false);
    assert.match((await agent.begin({ prompt: 'none' })).location ?? '', /error=login_required/);
    const stale = new UserAgent(service.issuer);
    assert.equal((await stale.submitPassword(await stale.begin(), person)).page, 'password');
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    assert.equal((await token(service.issuer, refresh)).error, 'invalid_grant');
    const visitor = new UserAgent(service.issuer);
    assert.equal((await visitor.get(new URL(reset.data?.recovery_url ?? '').pathname)).status, 200);
    const events = await api.GET('/audit-events', {
      params: { query: { target: person.id, type: 'second-factor.reset' } },
    });
    const [event] = events.data?.items ?? [];
    assert.equal(event?.reason, 'Lost the phone');
    assert.equal(event.actor, operator.id);
    assert.equal(event.details['before'], 'authenticators=1 recovery-codes=0 guesses=0');
    assert.equal(event.details['after'], 'authenticators=0 recovery-codes=0 guesses=0');
    const notices = await service.composed.services.database.kysely
      .selectFrom('outbox')
      .select('kind')
      .where('user_id', '=', person.id)
      .execute();
    assert.ok(notices.some(({ kind }) => kind === 'second-factor-reset'));
  });

  test('one of several authenticators is removed; the last one only by a reset', async () => {
    const api = adminClient(service, operatorToken);
    const person = await service.addPerson();
    const shown = (await api.GET('/users/{id}', { params: { path: { id: person.id } } })).data;
    const [only] = shown?.second_factor.authenticators ?? [];
    const path = { id: person.id, authenticatorId: only?.id ?? '' };
    const refused = await api.DELETE('/users/{id}/authenticators/{authenticatorId}', { params: { path } });
    assert.equal(refused.error?.code, 'last_authenticator');
    const other = await service.addPerson();
    const foreign = await api.DELETE('/users/{id}/authenticators/{authenticatorId}', {
      params: { path: { ...path, id: other.id } },
    });
    assert.equal(foreign.response.status, 404);
  });

  test('K05 K21 nobody resets their own factor, the help desk no colleague, and the last operator stays', async () => {
    const own = adminClient(service, operatorToken);
    const body = { reason: 'for a test' };
    const self = await own.POST('/users/{id}/second-factor/reset', { params: { path: { id: operator.id } }, body });
    assert.deepEqual([self.response.status, self.error?.code], [403, 'own_account']);
    const link = await own.POST('/users/{id}/password-reset', { params: { path: { id: operator.id } } });
    assert.equal(link.error?.code, 'own_account');

    const helper = await addOperator(service, 'help-desk');
    const desk = adminClient(service, await personToken(service, helper));
    for (const target of [operator, await addOperator(service, 'auditor'), await addOperator(service, 'help-desk')]) {
      const params = { path: { id: target.id } };
      for (const refused of [
        await desk.POST('/users/{id}/second-factor/reset', { params, body }),
        await desk.POST('/users/{id}/second-factor/reopen', { params, body }),
        await desk.DELETE('/users/{id}/sessions', { params }),
      ]) {
        assert.deepEqual([refused.response.status, refused.error?.code], [403, 'target_has_role']);
      }
    }
    assert.equal((await desk.DELETE('/sessions')).response.status, 403);
    const person = await service.addPerson();
    const params = { path: { id: person.id } };
    assert.equal((await desk.POST('/users/{id}/second-factor/reset', { params, body })).response.status, 200);
    assert.equal((await desk.POST('/users/{id}/disable', { params })).response.status, 403);
    assert.equal((await desk.PATCH('/users/{id}', { params, body: { roles: ['operator'] } })).response.status, 403);

    const limited = adminClient(service, await serviceToken(service, 'resetter', 'admin:second-factor'));
    const taken = await limited.POST('/users/{id}/second-factor/reset', {
      params: { path: { id: operator.id } },
      body,
    });
    assert.equal(taken.error?.code, 'target_has_role');
  });

  test('K05 of parallel acts on the last two operators one is refused', async () => {
    const { inTransaction, manageUsers } = service.composed.services;
    for (const id of await inTransaction(({ users }) => users.lockOperators())) {
      if (id !== operator.id) await manageUsers.update(id, { roles: [] }, 'test', testContext);
    }
    const api = adminClient(service, await serviceToken(service, 'all'));
    const params = { path: { id: operator.id } };
    const body = { reason: 'for a test' };
    for (const refused of [
      await api.PATCH('/users/{id}', { params, body: { roles: [] } }),
      await api.POST('/users/{id}/disable', { params }),
      await api.DELETE('/users/{id}', { params }),
      await api.POST('/users/{id}/second-factor/reset', { params, body }),
    ]) {
      assert.deepEqual([refused.response.status, refused.error?.code], [409, 'last_operator']);
    }
    const second = await addOperator(service, 'operator');
    const both = await Promise.all(
      [operator, second].map(({ id }) => api.PATCH('/users/{id}', { params: { path: { id } }, body: { roles: [] } })),
    );
    assert.deepEqual(
      both.map(({ response }) => response.status).toSorted((a, b) => a - b),
      [200, 409],
    );
  });
});
