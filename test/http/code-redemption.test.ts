import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { addProtocolClient, dpopProof, keyPair, pkce, post, type ProtocolClient } from '../support/protocol-client.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

describe('redeeming a code', () => {
  let service: TestService;
  let web: ProtocolClient;
  let other: ProtocolClient;
  before(async () => {
    service = await startService('servers');
    web = await addProtocolClient(service, { first_party: true, grant_types: ['authorization_code', 'refresh_token'] });
    other = await addProtocolClient(service, { first_party: true });
  });
  after(() => service.close());

  async function signIn(person: TestPerson, more: Record<string, string> = {}, agent = new UserAgent(service.issuer)) {
    const { verifier, parameters } = pkce();
    const finished = await agent.signIn(person, {
      client_id: web.id,
      redirect_uri: web.redirectUri,
      ...parameters,
      ...more,
    });
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: web.redirectUri,
    };
    return { fields, agent };
  }

  test('E07 a code is worth nothing after a minute, to another client, with another address, or without its session', async () => {
    const person = await service.addPerson();
    const late = await signIn(person);
    // The database's clock counts; a minute is what it was stored for.
    const { kysely } = service.composed.services.database;
    const stored = await kysely
      .selectFrom('tokens')
      .select('expires_at')
      .where('kind', '=', 'AuthorizationCode')
      .execute();
    for (const row of stored) assert.ok(row.expires_at.getTime() - Date.now() <= 60_000);
    await kysely
      .updateTable('tokens')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .execute();
    assert.equal((await web.post('/token', late.fields)).body.error, 'invalid_grant');
    const foreign = await signIn(await service.addPerson());
    const byOther = await other.post('/token', { ...foreign.fields, redirect_uri: other.redirectUri });
    assert.equal(byOther.body.error, 'invalid_grant');
    assert.equal((await other.post('/token', foreign.fields)).body.error, 'invalid_grant');
    const elsewhere = await signIn(await service.addPerson());
    const moved = { ...elsewhere.fields, redirect_uri: `${web.redirectUri}/` };
    assert.equal((await web.post('/token', moved)).body.error, 'invalid_grant');
    const { redirect_uri: _left, ...without } = elsewhere.fields;
    assert.ok(['invalid_grant', 'invalid_request'].includes((await web.post('/token', without)).body.error ?? ''));
    assert.equal((await web.post('/token', elsewhere.fields)).status, 200, 'none of which used it up');

    const ended = await signIn(await service.addPerson());
    const page = await (await ended.agent.get('/account')).text();
    await ended.agent.post('/account/sign-out', { csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' });
    assert.equal((await web.post('/token', ended.fields)).body.error, 'invalid_grant');

    const [keys, others] = [await keyPair(), await keyPair()];
    const proof = await dpopProof(keys, 'POST', `${service.issuer}/token`);
    const bound = await addProtocolClient(service, { first_party: true, dpop_bound_access_tokens: true });
    const { verifier, parameters } = pkce();
    const jkt = JSON.parse(Buffer.from(proof.split('.')[0] ?? '', 'base64url').toString()) as {
      jwk: Record<string, string>;
    };
    const finished = await new UserAgent(service.issuer).signIn(await service.addPerson(), {
      client_id: bound.id,
      redirect_uri: bound.redirectUri,
      dpop_jkt: await calculateJwkThumbprint(jkt.jwk),
      ...parameters,
    });
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: bound.redirectUri,
    };
    const wrong = { dpop: await dpopProof(others, 'POST', `${service.issuer}/token`) };
    assert.ok((await bound.post('/token', fields, { headers: wrong })).status >= 400);
  });

  test('E08 PKCE: none, plain, a verifier missing, superfluous, too short, too long or wrong is refused', async () => {
    const agent = new UserAgent(service.issuer);
    const person = await service.addPerson();
    const common = { client_id: web.id, redirect_uri: web.redirectUri, response_type: 'code', scope: 'openid' };
    for (const parameters of [
      {},
      { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' },
      { code_challenge: 'x'.repeat(43) },
      { code_challenge: 'x'.repeat(42), code_challenge_method: 'S256' },
      { code_challenge: 'x'.repeat(129), code_challenge_method: 'S256' },
      { code_challenge_method: 'S256' },
    ] as Record<string, string>[]) {
      const answer = await agent.get(`/auth?${new URLSearchParams({ ...common, ...parameters }).toString()}`);
      assert.match(answer.headers.get('location') ?? '', /error=invalid_request/, JSON.stringify(parameters));
    }
    const { fields } = await signIn(person);
    const { code_verifier: verifier, ...without } = fields;
    for (const odd of [undefined, 'x'.repeat(42), 'x'.repeat(129), `${verifier.slice(1)}x`, '']) {
      const sent = odd === undefined ? without : { ...without, code_verifier: odd };
      assert.ok(['invalid_grant', 'invalid_request'].includes((await web.post('/token', sent)).body.error ?? ''), odd);
    }
    assert.equal((await web.post('/token', fields)).status, 200, 'a wrong one does not burn it for the right holder');
    // Where an operator lifted it for a confidential client, a verifier without a challenge is still refused.
    const lifted = await addProtocolClient(service, { first_party: true, require_pkce: false });
    const finished = await new UserAgent(service.issuer).signIn(await service.addPerson(), {
      client_id: lifted.id,
      redirect_uri: lifted.redirectUri,
      code_challenge: '',
      code_challenge_method: '',
    });
    const plain = { grant_type: 'authorization_code', code: codeOf(finished), redirect_uri: lifted.redirectUri };
    assert.ok((await lifted.post('/token', { ...plain, code_verifier: 'x'.repeat(43) })).status >= 400);
  });

  test('E12 what one client was given is nothing to another: codes, refresh tokens, devices, pushed requests, hints', async () => {
    const person = await service.addPerson();
    const { fields } = await signIn(person, { scope: 'openid offline_access', prompt: 'consent' });
    assert.equal((await other.post('/token', fields)).body.error, 'invalid_grant');
    const tokens = await web.post('/token', fields);
    assert.equal(tokens.status, 200);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.body['refresh_token']) };
    assert.equal((await other.post('/token', refresh)).body.error, 'invalid_grant');
    assert.equal((await web.post('/token', refresh)).status, 200);
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const device = await addProtocolClient(service, { grant_types: [grant], redirect_uris: [] });
    const begun = await device.post('/device/auth', { scope: 'openid' });
    const poll = { grant_type: grant, device_code: String(begun.body['device_code']) };
    const second = await addProtocolClient(service, { grant_types: [grant], redirect_uris: [] });
    assert.equal((await second.post('/token', poll)).body.error, 'invalid_grant');
    assert.equal((await device.post('/token', poll)).body.error, 'authorization_pending');
    const pushed = await web.post('/par', {
      response_type: 'code',
      scope: 'openid',
      redirect_uri: web.redirectUri,
      ...pkce().parameters,
    });
    const stolen = new URLSearchParams({ client_id: other.id, request_uri: String(pushed.body['request_uri']) });
    const answer = await new UserAgent(service.issuer).get(`/auth?${stolen.toString()}`);
    assert.equal(answer.status, 400);
    const hint = { id_token_hint: String(tokens.body['id_token']), prompt: 'none' };
    const agent = new UserAgent(service.issuer);
    await agent
      .signIn(person, { client_id: web.id, redirect_uri: web.redirectUri, ...pkce().parameters })
      .catch(() => {});
    const silent = await agent.begin({ client_id: other.id, redirect_uri: other.redirectUri, ...hint });
    assert.doesNotMatch(silent.location ?? '', /[?&]code=/);
  });

  test('E31 after the password and after consent the browser is sent on by 303, which forwards no form', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const step = await agent.begin();
    const sent = await agent.post(step.action, { csrf: step.csrf, login: person.username, password: person.password });
    assert.ok([200, 303].includes(sent.status));
    const code = await agent.look(step.action.replace(/\/[\w-]+$/, ''));
    const done = await agent.post(code.action, { csrf: code.csrf, code: person.code() });
    assert.equal(done.status, 303);
    const consent = await agent.follow(done.headers.get('location') ?? '');
    assert.equal(consent.page, 'consent');
    const allowed = await agent.post(consent.action, { csrf: consent.csrf, decision: 'allow' });
    assert.equal(allowed.status, 303);
    const out = await agent.get(allowed.headers.get('location') ?? '');
    assert.equal(out.status, 303);
    assert.ok((out.headers.get('location') ?? '').startsWith(testClient.redirectUri));
    const byPost = await post(`${service.issuer}/auth`, { client_id: testClient.id });
    assert.ok(byPost.status === 303 || byPost.status === 400 || byPost.status === 200);
  });
});
