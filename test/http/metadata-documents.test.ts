import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { pkce, post } from '../support/protocol-client.ts';
import { startService, type TestService } from '../support/service.ts';
import { claimsOf, codeOf, UserAgent, type Tokens } from '../support/user-agent.ts';

const authority = makeCertificate({ commonName: 'Authority', isAuthority: true });
const certificate = makeCertificate({ commonName: 'localhost', dns: 'localhost', issuer: authority });

describe('clients by their metadata documents', () => {
  let service: TestService;
  let site: Server;
  let host: string;
  let document: Record<string, unknown>;
  let status = 200;
  let fetched = 0;
  before(async () => {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);
    site = createServer({ key: certificate.key, cert: certificate.cert }, (request, response) => {
      fetched += 1;
      response.statusCode = status;
      if (status === 302) response.setHeader('location', `https://${host}/app.json`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ client_id: `https://${host}${request.url}`, ...document }));
    });
    await new Promise<void>((done) => site.listen(0, done));
    host = `localhost:${(site.address() as AddressInfo).port}`;
    service = await startService('embedded', {
      environment: { TWOFOLD_CLIENT_METADATA_DOCUMENT_HOSTS: host, TWOFOLD_OUTBOUND_ALLOWED: 'localhost' },
    });
  });
  after(async () => {
    site?.close();
    site?.closeAllConnections();
    await service?.close();
  });

  const good = () => ({
    client_name: 'Your bank',
    redirect_uris: [`https://${host}/callback`],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
  });
  let number = 0;
  /** A document at an address that nobody asked for before; answers the first step, or the refusal. */
  async function begin(more: Record<string, unknown>, address = host) {
    document = { ...good(), ...more };
    number += 1;
    const clientId = `https://${address}/app-${number}.json`;
    const { verifier, parameters } = pkce();
    const agent = new UserAgent(service.issuer, { 'x-forwarded-for': `45.7.${number}.1` });
    const redirect = `https://${host}/callback`;
    const step = await agent.begin({ client_id: clientId, redirect_uri: redirect, ...parameters });
    return { step, agent, clientId, verifier, redirect };
  }

  test('a person signs in to one that nobody registered, is told its host and asked for consent', async () => {
    const person = await service.addPerson();
    const { step, agent, clientId, verifier, redirect } = await begin({});
    assert.equal(step.page, 'password');
    const shown = await (await agent.get(step.action.replace(/\/password$/, ''))).text();
    assert.doesNotMatch(shown, /Your bank/, 'what it says of itself nobody checked');
    assert.ok(shown.includes(host));
    const consent = await agent.submit(await agent.submitPassword(step, person), { code: person.code() });
    assert.equal(consent.page, 'consent');
    const page = await (await agent.get(consent.action.replace(/\/consent$/, ''))).text();
    assert.match(page, /cannot check that this application is what it says/);
    const finished = await agent.submit(consent, { decision: 'allow' });
    const { body } = await post(`${service.issuer}/token`, {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: redirect,
    });
    const claims = claimsOf(body as unknown as Tokens);
    assert.equal(claims['aud'], clientId);
    assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
    const before = fetched;
    assert.ok((await (await agent.get('/account/applications')).text()).includes(host));
    assert.equal(fetched, before, 'a list fetches nothing');
  });

  test('what only an operator may say, and what leads elsewhere, is no client', async () => {
    for (const more of [
      { twofold_first_party: true },
      { twofold_require_pkce: false },
      { twofold_scope: 'account' },
      { redirect_uris: ['https://elsewhere.example/callback'] },
      { redirect_uris: [`https://${host}/callback`, 'https://elsewhere.example/callback'] },
      { client_id: 'https://elsewhere.example/app.json' },
      { client_secret: 'x'.repeat(40) },
      { token_endpoint_auth_method: 'client_secret_basic' },
      { grant_types: ['authorization_code', 'client_credentials'] },
      { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'] },
      { backchannel_logout_uri: `https://${host}/logout` },
    ]) {
      const { step } = await begin(more);
      assert.deepEqual(
        [step.status, step.location ?? ''],
        [step.status >= 400 ? step.status : 400, ''],
        JSON.stringify(more),
      );
      assert.ok(step.status >= 400 && step.status < 500, `${step.status} ${JSON.stringify(more)}`);
    }
    for (const odd of [302, 404, 500]) {
      status = odd;
      const { step } = await begin({});
      assert.ok(step.status >= 400 && step.status < 500, `${odd} ${step.status}`);
    }
    status = 200;
  });

  test('another host is not asked, and nobody has the service ask without end', async () => {
    const before = fetched;
    const { step } = await begin({}, 'elsewhere.example');
    assert.equal(step.status, 400);
    assert.equal(fetched, before);
    for (let tried = 0; tried < 40; tried += 1) {
      number += 1;
      const agent = new UserAgent(service.issuer, { 'x-forwarded-for': '45.8.1.1' });
      await agent.begin({
        client_id: `https://${host}/flood-${number}.json`,
        redirect_uri: `https://${host}/callback`,
      });
    }
    assert.ok(fetched - before <= 20, `${fetched - before}`);
  });
});
