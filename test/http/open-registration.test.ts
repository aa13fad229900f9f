import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

const authority = makeCertificate({ commonName: 'Authority', isAuthority: true });
const certificate = makeCertificate({ commonName: 'localhost', dns: 'localhost', issuer: authority });

describe('registration that is open to whoever comes', () => {
  let service: TestService;
  let site: Server;
  let host: string;
  let listed: unknown = [];
  before(async () => {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);
    site = createServer({ key: certificate.key, cert: certificate.cert }, (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(listed));
    });
    await new Promise<void>((done) => site.listen(0, done));
    host = `localhost:${(site.address() as AddressInfo).port}`;
    service = await startService('embedded', {
      environment: { TWOFOLD_REGISTRATION: 'open', TWOFOLD_OUTBOUND_ALLOWED: 'localhost' },
    });
  });
  after(async () => {
    site?.close();
    site?.closeAllConnections();
    await service?.close();
  });

  async function register(metadata: Record<string, unknown>) {
    const response = await fetch(`${service.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  }
  const redirects = ['https://one.example/callback', 'https://two.example/callback'];

  test('nobody needs a token; what only an operator may say is refused, and so is a flood', async () => {
    const made = await register({ client_name: 'Free', redirect_uris: [redirects[0]] });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const step = await new UserAgent(service.issuer).begin({
      client_id: String(made.body['client_id']),
      redirect_uri: String(redirects[0]),
    });
    assert.equal(step.page, 'password');
    // RFC 7591 section 2: what a client may not say is ignored or refused; it is never so.
    for (const more of [
      { first_party: true },
      { require_pkce: false },
      { twofold_first_party: true },
      { scope: 'openid admin:users' },
    ]) {
      const { status, body } = await register({ redirect_uris: [redirects[0]], ...more });
      if (status !== 201) continue;
      const all = await service.composed.services.manageRelyingParties.list();
      const stored = all.find(({ clientId }) => clientId === body['client_id']);
      assert.deepEqual([stored?.firstParty, stored?.requirePkce], [false, true], JSON.stringify(more));
      assert.doesNotMatch(JSON.stringify(stored?.metadata), /admin|first_party/);
    }
    const flood = await Promise.all(Array.from({ length: 60 }, () => register({ redirect_uris: [redirects[0]] })));
    assert.ok(
      flood.some(({ status }) => status === 429),
      'one network registers only so many',
    );
  });

  test('redirects to several hosts are pairwise by a sector that lists them, read by the guarded way out', async () => {
    const { manageRelyingParties } = service.composed.services;
    const context = { requestId: 'test', address: '', userAgent: '' };
    const wanted = (clientId: string, sector: string) => ({
      client_id: clientId,
      client_secret: 'a secret of a client with a sector, long enough',
      subject_type: 'pairwise',
      sector_identifier_uri: sector,
      redirect_uris: redirects,
    });
    listed = redirects;
    await manageRelyingParties.apply(wanted('sectored', `https://${host}/sector.json`), 'test', context);
    const begin = (clientId: string, redirect: string) =>
      new UserAgent(service.issuer).begin({ client_id: clientId, redirect_uri: redirect });
    assert.equal((await begin('sectored', String(redirects[1]))).page, 'password');
    // A document that does not list them, or an address that may not be reached, makes no client.
    listed = [redirects[0]];
    await manageRelyingParties.apply(wanted('unlisted', `https://${host}/other.json`), 'test', context);
    assert.notEqual((await begin('unlisted', String(redirects[1]))).page, 'password');
    await manageRelyingParties.apply(wanted('inside', 'https://127.0.0.1:1/sector.json'), 'test', context);
    assert.notEqual((await begin('inside', String(redirects[1]))).page, 'password');
  });
});
