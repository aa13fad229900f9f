import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as client from 'openid-client';
import { makeCertificate } from '../support/certificates.ts';
import { movingClock } from '../support/moving-clock.ts';
import { addProtocolClient, type ProtocolClient } from '../support/protocol-client.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { wrongCodes } from '../support/sign-in.ts';
import { UserAgent } from '../support/user-agent.ts';

const grant = 'urn:openid:params:grant-type:ciba';

for (const shape of ['servers', 'embedded'] as const satisfies readonly Shape[]) {
  describe(`asking a person who is elsewhere (CIBA) on ${shape}`, () => {
    let service: TestService;
    let bank: ProtocolClient;
    const clock = movingClock();
    before(async () => {
      service = await startService(shape, { clock, replicas: 3, environment: { TWOFOLD_CIBA: 'true' } });
      bank = await addProtocolClient(service, {
        client_name: 'Meadow Bank',
        grant_types: [grant],
        redirect_uris: [],
        backchannel_token_delivery_mode: 'poll',
      });
    });
    after(() => service.close());

    const ask = (person: Pick<TestPerson, 'username'>, more: Record<string, string> = {}, by = bank) =>
      by.post('/backchannel', { scope: 'openid profile', login_hint: person.username, ...more });
    const poll = (authReqId: unknown, by = bank, at?: string) =>
      by.post('/token', { grant_type: grant, auth_req_id: String(authReqId) }, at === undefined ? {} : { at });
    const page = async (agent: UserAgent): Promise<string> => (await agent.get('/account/sign-in-requests')).text();
    async function signedIn(person: TestPerson): Promise<UserAgent> {
      const agent = new UserAgent(service.issuer, {}, service.addresses);
      await agent.signIn(person);
      clock.move(0);
      return agent;
    }
    const answer = (agent: UserAgent, html: string, fields: Record<string, string>) =>
      agent.post(/action="([^"]*sign-in-requests\/[^"]+)"/.exec(html)?.[1] ?? '', {
        csrf: /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '',
        ...fields,
      });

    test('a person approves with a fresh code what they can compare, and the tokens tell the truth', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const asked = await ask(person, { binding_message: 'W4SCT' });
      assert.equal(asked.status, 200, JSON.stringify(asked.body));
      assert.equal((await poll(asked.body['auth_req_id'])).body.error, 'authorization_pending');
      assert.match(await (await agent.get('/account')).text(), /\/account\/sign-in-requests/);
      const html = await page(agent);
      assert.match(html, /Meadow Bank/);
      assert.match(html, /W4SCT/);
      // The session's own proof is not enough: a code belongs to each approval.
      assert.equal((await answer(agent, html, { decision: 'approve' })).status, 422);
      assert.equal((await poll(asked.body['auth_req_id'])).body.error, 'authorization_pending');
      const approved = await answer(agent, html, { decision: 'approve', code: person.code(1) });
      assert.equal(approved.status, 303);
      assert.match(approved.headers.get('location') ?? '', /notice=request-approved/);
      const redeemed = await poll(asked.body['auth_req_id']);
      assert.equal(redeemed.status, 200, JSON.stringify(redeemed.body));
      const claims = decodeJwt(String(redeemed.body['id_token']));
      assert.equal(claims.sub, person.id);
      assert.equal(claims['acr'], 'urn:twofold:acr:2fa');
      assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
      assert.ok(Number(claims['auth_time']) <= Math.floor(Date.now() / 1000));
      assert.equal((await poll(asked.body['auth_req_id'])).body.error, 'invalid_grant', 'it serves once');
      const types = (await service.auditOf(person)).map(({ type }) => type);
      assert.ok(types.includes('backchannel.requested') && types.includes('backchannel.approved'));
    });

    test('of many redemptions over all replicas one gets tokens; of many approvals one counts', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const { body } = await ask(person);
      const html = await page(agent);
      const approvals = await Promise.all(
        Array.from({ length: 4 }, () => answer(agent, html, { decision: 'approve', code: person.code(1) })),
      );
      assert.equal(approvals.filter(({ headers }) => /request-approved/.test(headers.get('location') ?? '')).length, 1);
      const all = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          poll(body['auth_req_id'], bank, service.addresses[n % service.addresses.length]),
        ),
      );
      assert.equal(all.filter(({ status }) => status === 200).length, 1);
    });

    test('a refusal takes no code and signs nobody in; another person or client gets nothing', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const [agent, stranger] = [await signedIn(person), await signedIn(other)];
      const { body } = await ask(person);
      const html = await page(agent);
      assert.match(await page(stranger), /Nothing waits/);
      const theirs = await page(agent);
      const foreign = await stranger.post(/action="([^"]+sign-in-requests\/[^"]+)"/.exec(theirs)?.[1] ?? '', {
        csrf: /name="csrf" value="([^"]+)"/.exec(await page(stranger))?.[1] ?? '',
        decision: 'approve',
        code: other.code(1),
      });
      assert.ok(foreign.status >= 300);
      assert.equal((await poll(body['auth_req_id'])).body.error, 'authorization_pending');
      const second = await addProtocolClient(service, {
        grant_types: [grant],
        redirect_uris: [],
        backchannel_token_delivery_mode: 'poll',
      });
      assert.equal((await poll(body['auth_req_id'], second)).body.error, 'invalid_grant');
      assert.equal((await answer(agent, html, { decision: 'refuse' })).status, 303);
      assert.equal((await poll(body['auth_req_id'])).body.error, 'access_denied');
      const half = new UserAgent(service.issuer);
      await half.submitPassword(await half.begin(), person);
      assert.equal((await half.get('/account/sign-in-requests')).status, 303, 'half a sign-in sees nothing');
    });

    test('B14 B13 wrong codes are charged like everywhere, and who is disabled gets no tokens', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const { body } = await ask(person);
      for (const code of wrongCodes(person, 5)) await answer(agent, await page(agent), { decision: 'approve', code });
      const late = await answer(agent, await page(agent), { decision: 'approve', code: person.code(1) });
      assert.doesNotMatch(late.headers.get('location') ?? '', /request-approved/);
      assert.equal((await poll(body['auth_req_id'])).body.error, 'authorization_pending');

      const gone = await service.addPerson();
      const theirs = await signedIn(gone);
      const asked = await ask(gone);
      await answer(theirs, await page(theirs), { decision: 'approve', code: gone.code(1) });
      await service.composed.services.manageUsers.setDisabled(gone.id, true, 'test', testContext);
      assert.equal((await poll(asked.body['auth_req_id'])).body.error, 'invalid_grant');
      assert.equal((await ask(gone)).body.error, 'unknown_user_id');
    });

    test('a person is not asked without end, and odd requests are refused', async () => {
      const person = await service.addPerson();
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(person)));
      assert.equal(answers.filter(({ status }) => status === 200).length, 3);
      assert.ok(answers.every(({ status, body }) => status === 200 || body.error === 'access_denied'));
      const other = await service.addPerson();
      for (const [more, error] of [
        [{ binding_message: 'x'.repeat(61) }, 'invalid_binding_message'],
        [{ binding_message: 'a\u202Eb' }, 'invalid_binding_message'],
        [{ requested_expiry: '-1' }, 'invalid_request'],
        [{ requested_expiry: '1e2' }, 'invalid_request'],
        [{ login_hint: 'nobody-of-that-name' }, 'unknown_user_id'],
        [{ login_hint_token: 'x' }, 'invalid_request'],
        [{ scope: 'profile' }, 'invalid_request'],
      ] as const) {
        const refused = await ask(other, more);
        assert.equal(refused.body.error, error, JSON.stringify([more, refused.body]));
      }
    });
  });
}

describe('CIBA and its clients', () => {
  test('C24 it is off unless a setting turns it on', async () => {
    const service = await startService('embedded');
    try {
      const metadata = await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json();
      assert.doesNotMatch(JSON.stringify(metadata), /ciba|backchannel_authentication/);
      assert.equal((await fetch(`${service.issuer}/backchannel`, { method: 'POST' })).status, 404);
    } finally {
      await service.close();
    }
  });

  test('ping: the answer is announced with the token of the request, by a client that nobody here wrote', async () => {
    const told: { authorization: string | undefined; body: string }[] = [];
    const authority = makeCertificate({ commonName: 'Authority', isAuthority: true });
    const { key, cert } = makeCertificate({ commonName: 'localhost', dns: 'localhost', issuer: authority });
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);
    const receiver: Server = createServer({ key, cert }, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        told.push({ authorization: request.headers.authorization, body });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, done));
    const { port } = receiver.address() as AddressInfo;
    const service = await startService('embedded', {
      environment: { TWOFOLD_CIBA: 'true', TWOFOLD_OUTBOUND_ALLOWED: 'localhost' },
    });
    try {
      const secret = 'a secret of the bank, long enough for anybody';
      await service.composed.services.manageRelyingParties.apply(
        {
          client_id: 'bank',
          client_secret: secret,
          client_name: 'Bank',
          grant_types: [grant],
          redirect_uris: [],
          backchannel_token_delivery_mode: 'ping',
          backchannel_client_notification_endpoint: `https://localhost:${port}/ping`,
        },
        'test',
        testContext,
      );
      const config = await client.discovery(new URL(service.issuer), 'bank', secret, client.ClientSecretBasic(secret), {
        execute: [client.allowInsecureRequests],
      });
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await agent.signIn(person);
      const asked = await client.initiateBackchannelAuthentication(config, {
        scope: 'openid',
        login_hint: person.username,
        client_notification_token: 'notification-token-1',
      });
      const html = await (await agent.get('/account/sign-in-requests')).text();
      const approved = await agent.post(/action="([^"]+sign-in-requests\/[^"]+)"/.exec(html)?.[1] ?? '', {
        csrf: /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '',
        decision: 'approve',
        code: person.code(1),
      });
      assert.match(approved.headers.get('location') ?? '', /request-approved/);
      for (let tried = 0; told.length === 0 && tried < 200; tried += 1)
        await new Promise((done) => setTimeout(done, 50));
      assert.deepEqual(told, [
        { authorization: 'Bearer notification-token-1', body: JSON.stringify({ auth_req_id: asked.auth_req_id }) },
      ]);
      const tokens = await client.pollBackchannelAuthenticationGrant(config, asked);
      assert.equal(tokens.claims()?.sub, person.id);
    } finally {
      await service.close();
      receiver.close();
      receiver.closeAllConnections();
    }
  });
});
