import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { freePort, startService, testClient, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('an issuer with a path', () => {
  let service: TestService;
  let issuer: string;
  before(async () => {
    const port = await freePort();
    issuer = `http://localhost:${port}/identity/two`;
    service = await startService('embedded', { environment: { ISSUER: issuer, PORT: String(port) } });
  });
  after(() => service.close());

  test('J11 metadata, pages, cookies and redirects stay under the path', async () => {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`);
    const metadata = (await response.json()) as Record<string, unknown>;
    assert.equal(metadata['issuer'], issuer);
    for (const [name, value] of Object.entries(metadata)) {
      if (/_(?:endpoint|uri)$/.test(name))
        assert.ok(String(value).startsWith(`${issuer}/`), `${name} ${String(value)}`);
    }
    const outside = await fetch(new URL('/.well-known/openid-configuration', issuer));
    assert.equal(outside.status, 404);
    const query = new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    });
    const begun = await fetch(`${issuer}/auth?${query.toString()}`, { redirect: 'manual' });
    assert.match(begun.headers.get('location') ?? '', /^(?:http:\/\/localhost:\d+)?\/identity\/two\/interaction\//);
    const account = await fetch(`${issuer}/account`, { redirect: 'manual' });
    assert.match(account.headers.get('location') ?? '', /^(?:http:\/\/localhost:\d+)?\/identity\/two\/auth\?/);
    const posted = await fetch(`${issuer}/auth`, { method: 'POST', body: query, redirect: 'manual' });
    assert.equal(posted.status, 303);
    assert.match(posted.headers.get('location') ?? '', /\/identity\/two\/auth\?/);
  });

  test('J11 a whole sign-in works under the path', async () => {
    const person = await service.addPerson();
    const origin = new URL(issuer).origin;
    const agent = new UserAgent(origin);
    const query = new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const first = await agent.follow(`/identity/two/auth?${query.toString()}`);
    assert.equal(first.page, 'password');
    let finished = await agent.submit(await agent.submitPassword(first, person), { code: person.code() });
    if (finished.page === 'consent') finished = await agent.submit(finished, { decision: 'allow' });
    const answer = new URL(finished.location ?? '').searchParams;
    assert.equal(answer.get('iss'), issuer);
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${testClient.id}:${encodeURIComponent(testClient.secret)}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.get('code') ?? '',
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
        redirect_uri: testClient.redirectUri,
      }),
    });
    const { id_token: idToken } = (await response.json()) as { id_token: string };
    await jwtVerify(idToken, createRemoteJWKSet(new URL(`${issuer}/jwks`)), { issuer, audience: testClient.id });
  });
});
