import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { commands } from '../../src/cli/commands.ts';
import { startService, type TestService } from '../support/service.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

const insecure = { [oauth.allowInsecureRequests]: true };

describe('dynamic client registration', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers', {
      replicas: 2,
      environment: { TWOFOLD_REGISTRATION: 'initial-access-token' },
    });
  });
  after(() => service?.close());

  async function initialAccessToken(options: Record<string, unknown> = {}): Promise<string> {
    const out: string[] = [];
    await commands['clients initial-access-token']?.(
      service.composed.services,
      { json: true, uses: '1', hours: '24', ...options },
      { lines: (async function* () {})(), out: (line) => out.push(line), progress: () => {} },
    );
    return (JSON.parse(out.join('')) as { initial_access_token: string }).initial_access_token;
  }

  async function call(method: string, path: string, bearer: string | undefined, body?: unknown, at = service.issuer) {
    const response = await fetch(`${at}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, string>;
    return { status: response.status, body: answer, headers: response.headers };
  }

  const wanted = { client_name: 'Self made', redirect_uris: ['https://self.example/callback'], scope: 'openid email' };

  test('a client of others registers by what discovery says, and signs a person in', async () => {
    const found = await oauth.processDiscoveryResponse(
      new URL(service.issuer),
      await oauth.discoveryRequest(new URL(service.issuer), insecure),
    );
    assert.equal(found.registration_endpoint, `${service.issuer}/register`);
    const made = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(found, wanted, {
        ...insecure,
        initialAccessToken: await initialAccessToken(),
      }),
    );
    assert.equal(made['client_secret_expires_at'], 0);
    const { client_secret: secret, registration_access_token: ownToken } = made as Record<string, unknown>;
    assert.ok(typeof secret === 'string' && typeof ownToken === 'string');
    const [redirectUri = ''] = wanted.redirect_uris;
    const agent = new UserAgent(service.issuer);
    const finished = await agent.signIn(await service.addPerson(), {
      client_id: made.client_id,
      redirect_uri: redirectUri,
    });
    const response = await fetch(`${service.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${made.client_id}:${secret}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: codeOf(finished),
        code_verifier: finished.verifier,
        redirect_uri: redirectUri,
      }),
    });
    assert.equal(response.status, 200);
    const { kysely } = service.composed.services.database;
    const rows = await kysely
      .selectFrom('audit_events')
      .selectAll()
      .where('type', '=', 'relying-party.created')
      .execute();
    assert.ok(rows.some(({ actor }) => actor === `client:${made.client_id}`));
    const kept = JSON.stringify([
      await kysely.selectFrom('relying_parties').selectAll().execute(),
      await kysely.selectFrom('relying_party_secrets').selectAll().execute(),
      await kysely.selectFrom('registration_access_tokens').selectAll().execute(),
      await kysely.selectFrom('initial_access_tokens').selectAll().execute(),
    ]);
    for (const bearer of [secret, ownToken]) assert.ok(!kept.includes(bearer), 'no secret lies there as it is');
  });

  test('an initial access token serves as often as was said: one of twelve at once, over two replicas', async () => {
    const token = await initialAccessToken();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => call('POST', '/register', token, wanted, service.addresses[at % 2])),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.ok(answers.every(({ status }) => status === 201 || status === 401));
    await service.composed.services.attempts.clear('registration:127.0.0.0');
  });

  test('no token, a wrong one, one that is over and a metadata fault register nothing', async () => {
    for (const bearer of [undefined, 'wrong']) {
      const answer = await call('POST', '/register', bearer, wanted);
      assert.equal(answer.status, 401);
      assert.equal(answer.body['error'], 'invalid_token');
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
    }
    const token = await initialAccessToken();
    const { kysely } = service.composed.services.database;
    const faulty = await call('POST', '/register', token, { ...wanted, redirect_uris: ['http://evil.example/'] });
    assert.deepEqual([faulty.status, faulty.body['error']], [400, 'invalid_redirect_uri']);
    for (const more of [{ scope: 'openid admin:users' }, { grant_types: ['client_credentials'] }]) {
      const refused = await call('POST', '/register', token, { ...wanted, ...more });
      assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_client_metadata']);
    }
    await kysely
      .updateTable('initial_access_tokens')
      .set({ expires_at: new Date(0) })
      .execute();
    assert.equal((await call('POST', '/register', token, wanted)).status, 401);
  });

  test('K02 what operators decide is not a client’s to say, and unknown fields are left out', async () => {
    const asked = { ...wanted, first_party: true, require_pkce: false, client_id: 'chosen', colour: 'green' };
    const { status, body } = await call('POST', '/register', await initialAccessToken(), asked);
    assert.equal(status, 201);
    assert.notEqual(body['client_id'], 'chosen');
    assert.equal(body['colour'], undefined);
    const stored = await service.composed.services.database.kysely
      .selectFrom('relying_parties')
      .selectAll()
      .where('client_id', '=', body['client_id'] ?? '')
      .executeTakeFirstOrThrow();
    assert.equal(stored.first_party, false);
    assert.equal(stored.require_pkce, true);
  });

  test('a client reads, replaces and deletes itself with its own token, and nobody else', async () => {
    const tokens = await initialAccessToken({ uses: '2' });
    const [one, two] = [
      await call('POST', '/register', tokens, wanted),
      await call('POST', '/register', tokens, wanted),
    ];
    const path = `/register/${one.body['client_id']}`;
    const own = one.body['registration_access_token'];
    assert.equal(one.body['registration_client_uri'], `${service.issuer}${path}`);
    for (const bearer of [undefined, 'wrong', two.body['registration_access_token']]) {
      assert.equal((await call('GET', path, bearer)).status, 401);
      assert.equal((await call('PUT', path, bearer, { ...wanted, client_id: one.body['client_id'] })).status, 401);
      assert.equal((await call('DELETE', path, bearer)).status, 401);
    }
    const read = await call('GET', path, own);
    assert.equal(read.body['client_name'], 'Self made');
    assert.equal(read.body['client_secret'], undefined);
    const { scope: _scope, ...less } = wanted;
    const replaced = await call('PUT', path, own, { ...less, client_name: 'Other', client_id: one.body['client_id'] });
    assert.equal(replaced.status, 200, JSON.stringify(replaced.body));
    assert.equal(replaced.body['client_name'], 'Other');
    assert.equal(replaced.body['scope'], undefined);
    for (const more of [{ client_id: 'rp' }, { client_secret: 'chosen by myself' }, { client_id_issued_at: 1 }]) {
      const body = { ...less, client_id: one.body['client_id'], ...more };
      assert.equal((await call('PUT', path, own, body)).status, 400, JSON.stringify(more));
    }
    assert.equal((await call('DELETE', path, own)).status, 204);
    assert.equal((await call('GET', path, own)).status, 401);
    const begun = await new UserAgent(service.issuer).begin({ client_id: one.body['client_id'] ?? '' });
    assert.equal(begun.status, 400);
  });

  test('many tries from one network are refused early', async () => {
    const answers = [];
    for (let at = 0; at < 25; at += 1) answers.push(await call('POST', '/register', 'wrong', wanted));
    const last = answers.at(-1);
    assert.equal(last?.status, 429);
    assert.ok(Number(last.headers.get('retry-after')) > 0);
  });
});

test('registration is off unless it is asked for', async () => {
  const service = await startService('embedded');
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${service.issuer}/register`, { method: 'POST', headers, body: '{}' });
    assert.equal(answer.status, 404);
    const found = (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as object;
    assert.ok(!('registration_endpoint' in found));
  } finally {
    await service.close();
  }
});
