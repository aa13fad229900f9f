import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, UserAgent } from '../support/user-agent.ts';

describe('back-channel logout', () => {
  let service: TestService;
  let receiver: Server;
  let answers: number[] = [];
  const received: { token: string; claims: JWTPayload }[] = [];
  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const status = answers.shift() ?? 200;
        const token = new URLSearchParams(body).get('logout_token') ?? '';
        const [, payload = ''] = token.split('.');
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as JWTPayload;
        if (status === 200) received.push({ token, claims });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    const { port } = receiver.address() as AddressInfo;
    service = await startService('servers', { environment: { TWOFOLD_OUTBOUND_ALLOWED: '127.0.0.0/8' } });
    await service.composed.services.manageRelyingParties.apply(
      {
        client_id: testClient.id,
        client_secret: testClient.secret,
        redirect_uris: [testClient.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        backchannel_logout_uri: `http://127.0.0.1:${port}/logout`,
        backchannel_logout_session_required: true,
      },
      'test',
      testContext,
    );
  });
  after(async () => {
    await service?.close();
    receiver.close();
  });

  async function signIn(): Promise<{ person: TestPerson; agent: UserAgent; sid: string }> {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const sid = claimsOf(await agent.redeem(await agent.signIn(person)))['sid'];
    assert.equal(typeof sid, 'string');
    return { person, agent, sid: sid as string };
  }

  async function tokenFor(sid: string): Promise<{ token: string; claims: JWTPayload }> {
    for (;;) {
      const found = received.find(({ claims }) => claims['sid'] === sid);
      if (found !== undefined) return found;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  test('F08 the token says who and which session, is signed by a published key, and is no ID token', async () => {
    const { person, agent, sid } = await signIn();
    const page = await (await agent.get('/account')).text();
    await agent.post('/account/sign-out', { csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' });
    const { token } = await tokenFor(sid);
    const keys = (await (await fetch(`${service.issuer}/jwks`)).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: service.issuer,
      audience: testClient.id,
      typ: 'logout+jwt',
    });
    assert.equal(decodeProtectedHeader(token).typ, 'logout+jwt');
    assert.equal(payload.sub, person.id);
    assert.ok(payload.jti);
    assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 120);
    assert.deepEqual(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} });
    assert.equal(payload['nonce'], undefined);
    const metadata = (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as object;
    assert.equal((metadata as Record<string, unknown>)['backchannel_logout_supported'], true);
    assert.equal((metadata as Record<string, unknown>)['backchannel_logout_session_supported'], true);
  });

  const database = () => service.composed.services;
  const ends: Record<string, (one: Awaited<ReturnType<typeof signIn>>) => Promise<unknown>> = {
    'the account page': async ({ agent, person }) => {
      const [session] = await database().inTransaction(({ sessions }) => sessions.list(person.id));
      const page = await (await agent.get('/account/sessions')).text();
      const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
      return agent.post(`/account/sessions/${session?.uid}/end`, { csrf });
    },
    'an operator who resets the second factor': ({ person }) =>
      database().resetSecondFactor.reset({
        userId: person.id,
        reason: 'lost',
        actor: 'command-line',
        context: testContext,
      }),
    'an operator who disables the account': ({ person }) =>
      database().manageUsers.setDisabled(person.id, true, 'command-line', testContext),
    time: ({ person }) =>
      sql`update sessions set expires_at = now() - interval '1 second' where user_id = ${person.id}`
        .execute(database().database.kysely)
        .then(() => database().sweepExpired()),
  };
  for (const [name, end] of Object.entries(ends)) {
    test(`F10 a session ended by ${name} is told to its relying party`, async () => {
      const one = await signIn();
      await end(one);
      await tokenFor(one.sid);
    });
  }

  test('F10 a relying party that was down is told later, once', async () => {
    const { person, sid } = await signIn();
    answers = [503];
    await database().manageUsers.setDisabled(person.id, true, 'command-line', testContext);
    await tokenFor(sid);
    assert.equal(received.filter(({ claims }) => claims['sid'] === sid).length, 1);
  });
});
