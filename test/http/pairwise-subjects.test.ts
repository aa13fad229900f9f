import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { readServiceSecret } from '../../src/storage/postgres/service-secret.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, codeOf, UserAgent, type Tokens } from '../support/user-agent.ts';

const secret = 'a secret of a pairwise client, long enough';
const redirects = {
  shop: 'https://shop.example/callback',
  'shop-admin': 'https://shop.example/admin',
  forum: 'https://forum.example/callback',
};
type Name = keyof typeof redirects;

describe('pairwise subjects', () => {
  let service: TestService;
  let receiver: Server;
  const logoutTokens: string[] = [];
  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        logoutTokens.push(new URLSearchParams(body).get('logout_token') ?? '');
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    const { port } = receiver.address() as AddressInfo;
    service = await startService('embedded', { environment: { TWOFOLD_OUTBOUND_ALLOWED: '127.0.0.0/8' } });
    for (const [name, redirectUri] of Object.entries(redirects)) {
      await service.composed.services.manageRelyingParties.apply(
        {
          client_id: name,
          client_secret: secret,
          redirect_uris: [redirectUri],
          subject_type: 'pairwise',
          grant_types: ['authorization_code', 'refresh_token'],
          backchannel_logout_uri: `http://127.0.0.1:${port}/${name}`,
        },
        'test',
        testContext,
      );
    }
  });
  after(async () => {
    await service?.close();
    receiver?.close();
  });

  const basic = (name: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${encodeURIComponent(secret)}`).toString('base64')}`,
  });

  async function signIn(name: Name, person: TestPerson, agent = new UserAgent(service.issuer)): Promise<Tokens> {
    const redirectUri = redirects[name];
    const finished = await agent.signIn(person, { client_id: name, redirect_uri: redirectUri });
    const response = await fetch(`${service.issuer}/token`, {
      method: 'POST',
      headers: basic(name),
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: codeOf(finished),
        code_verifier: finished.verifier,
        redirect_uri: redirectUri,
      }),
    });
    return (await response.json()) as Tokens;
  }

  /** The subject as another sector would be told; the derivation itself is looked at below. */
  async function subjectAt(name: Name, person: TestPerson): Promise<string> {
    const { kysely } = service.composed.services.database;
    const key = await readServiceSecret(kysely, service.composed.services.secretBox, 'pairwise-subjects');
    const { createPairwiseSubject } = await import('../../src/provider/pairwise-subject.ts');
    return createPairwiseSubject(key)(person.id, new URL(redirects[name]).host);
  }

  test('a sector knows a person by its own subject, in every place where a subject is told', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const tokens = await signIn('shop', person, agent);
    const subject = claimsOf(tokens)['sub'];
    assert.equal(subject, await subjectAt('shop', person));
    assert.notEqual(subject, person.id);
    assert.notEqual(subject, await subjectAt('forum', person));
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const me = (await (await fetch(`${service.issuer}/me`, { headers: bearer })).json()) as { sub: string };
    assert.equal(me.sub, subject);
    const seen = await fetch(`${service.issuer}/introspect`, {
      method: 'POST',
      headers: basic('shop'),
      body: new URLSearchParams({ token: tokens.access_token }),
    });
    assert.equal(((await seen.json()) as { sub: string }).sub, subject);
    // The other client of the same host knows the same subject, and another host another one.
    const finished = await agent.begin({ client_id: 'shop-admin', redirect_uri: redirects['shop-admin'] });
    assert.equal(finished.page, 'consent');
    await service.composed.services.inTransaction(({ sessions }) => sessions.endAll(person.id, 'operator'));
    while (logoutTokens.length === 0) await new Promise((done) => setTimeout(done, 50));
    assert.equal(decodeJwt(logoutTokens[0] ?? '').sub, subject);
  });

  test('a hint of the same person is honoured, one of somebody else is refused after the sign-in', async () => {
    const [person, other] = [await service.addPerson(), await service.addPerson()];
    const tokens = await signIn('shop-admin', person);
    const parameters = {
      client_id: 'shop-admin',
      redirect_uri: redirects['shop-admin'],
      id_token_hint: tokens.id_token,
      max_age: '0',
    };
    const wrong = await new UserAgent(service.issuer).signIn(other, parameters);
    assert.match(wrong.location ?? '', /error=login_required/);
    // A code serves once: the next time step, or the same person could not sign in again.
    const agent = new UserAgent(service.issuer);
    const step = await agent.submitPassword(await agent.begin(parameters), person);
    let next = await agent.submit(step, { code: person.code(1) });
    if (next.page === 'consent') next = await agent.submit(next, { decision: 'allow' });
    assert.match(next.location ?? '', /[?&]code=/);
  });

  test('there is one sealed key for all time, and public clients stay as they are', async () => {
    const { kysely } = service.composed.services.database;
    const rows = await kysely.selectFrom('service_secrets').selectAll().execute();
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['pairwise-subjects'],
    );
    const read = () => readServiceSecret(kysely, service.composed.services.secretBox, 'pairwise-subjects');
    assert.deepEqual(await read(), await read());
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    assert.equal(claimsOf(await agent.redeem(await agent.signIn(person)))['sub'], person.id);
    const metadata = (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as object;
    assert.deepEqual((metadata as Record<string, unknown>)['subject_types_supported'], ['public', 'pairwise']);
  });

  test('K15 redirects that name no one sector are refused without a sector identifier', async () => {
    for (const redirect_uris of [['https://a.example/', 'https://b.example/'], ['com.example.app:/callback']]) {
      assert.throws(
        () =>
          service.composed.services.manageRelyingParties.compare({
            client_id: 'ambiguous',
            application_type: 'native',
            redirect_uris,
            subject_type: 'pairwise',
          }),
        { field: 'sector_identifier_uri' },
        redirect_uris.join(' '),
      );
    }
  });
});
