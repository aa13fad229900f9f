import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { subjectMatches } from '../../src/provider/certificate-subject.ts';
import { certificateJwk, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

const authority = makeCertificate({ commonName: 'Authority', isAuthority: true });
const server = makeCertificate({ commonName: 'localhost', dns: 'localhost' });
const worker = makeCertificate({ commonName: 'worker', organisation: 'Meadow, Inc.', issuer: authority });
const byName = makeCertificate({
  commonName: 'named',
  dns: 'named.example',
  uri: 'urn:meadow:named',
  issuer: authority,
});
const own = makeCertificate({ commonName: 'own' });
const stranger = makeCertificate({ commonName: 'stranger', organisation: 'Meadow, Inc.' });
const samePretended = makeCertificate({ commonName: 'worker', organisation: 'Meadow, Inc.' });
const expired = makeCertificate({
  commonName: 'late',
  validFrom: new Date(Date.now() - 172_800_000),
  validTo: new Date(Date.now() - 86_400_000),
});

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

describe('clients with certificates (RFC 8705), behind a proxy that hands them on', () => {
  let service: TestService;
  let proxy: Server;
  let address: string;
  before(async () => {
    const port = await freePort();
    service = await startService('embedded', {
      environment: {
        // The proxy of this test has an address of its own; everybody else on this machine is a stranger.
        TRUSTED_PROXIES: '127.0.0.9',
        HOST: '0.0.0.0',
        TWOFOLD_CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert',
        TWOFOLD_CLIENT_CERTIFICATE_VERIFIED_HEADER: 'X-Client-Verify',
        TWOFOLD_MTLS_ADDRESS: `https://localhost:${port}`,
      },
    });
    proxy = createServer(
      { key: server.key, cert: server.cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const socket = request.socket as TLSSocket;
        const peer = socket.getPeerX509Certificate();
        const { 'x-client-cert': _cert, 'x-client-verify': _verify, host: _host, ...headers } = request.headers;
        const onward = httpRequest(
          `${service.issuer.replace('localhost', '127.0.0.1')}${request.url}`,
          {
            method: request.method,
            localAddress: '127.0.0.9',
            headers: {
              ...headers,
              ...(peer === undefined ? {} : { 'x-client-cert': encodeURIComponent(peer.toString()) }),
              'x-client-verify': socket.authorized ? 'SUCCESS' : 'FAILED',
            },
          },
          (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
          },
        );
        request.pipe(onward);
      },
    );
    await new Promise<void>((done) => proxy.listen(port, done));
    address = `https://localhost:${(proxy.address() as AddressInfo).port}`;
    const common = { grant_types: ['client_credentials'], scope: 'admin:users:read' };
    const bound = { tls_client_certificate_bound_access_tokens: true };
    for (const party of [
      {
        client_id: 'self-signed',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [certificateJwk(own)] },
        ...bound,
      },
      {
        client_id: 'late',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [certificateJwk(expired)] },
      },
      {
        client_id: 'by-subject',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=worker,O=Meadow\\, Inc.',
        ...bound,
      },
      {
        client_id: 'by-dns',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'named.example',
      },
    ]) {
      await service.composed.services.manageRelyingParties.apply({ ...common, ...party }, 'test', testContext);
    }
  });
  after(async () => {
    proxy?.close();
    await service?.close();
  });

  /** A request over TLS, with a certificate where one is given. */
  function ask(
    path: string,
    options: {
      certificate?: TestCertificate;
      fields?: Record<string, string>;
      headers?: Record<string, string | string[]>;
    },
  ): Promise<Answered> {
    const { certificate, fields, headers = {} } = options;
    const body = fields && new URLSearchParams(fields).toString();
    return send(httpsRequest, `${address}${path}`, body, {
      ca: server.cert,
      agent: false,
      ...(certificate && { key: certificate.key, cert: certificate.cert }),
      headers,
    });
  }

  function send(
    request: typeof httpRequest,
    url: string,
    body: string | undefined,
    options: object,
  ): Promise<Answered> {
    const { headers = {}, ...rest } = options as { headers?: Record<string, string | string[]> };
    return new Promise((resolve, reject) => {
      const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(url, { method, ...rest, headers: { ...form, ...headers } }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => {
          const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
          resolve({ status: answer.statusCode ?? 0, body: parsed });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  const credentials = (clientId: string): Record<string, string> => ({
    grant_type: 'client_credentials',
    client_id: clientId,
    scope: 'admin:users:read',
    resource: `${service.issuer}/admin`,
  });
  const tokenWith = (clientId: string, certificate?: TestCertificate): Promise<Answered> =>
    ask('/token', { fields: credentials(clientId), ...(certificate && { certificate }) });

  test('tells of it, and where the proxy asks for a certificate', async () => {
    const { body } = await ask('/.well-known/openid-configuration', {});
    const methods = body['token_endpoint_auth_methods_supported'] as string[];
    assert.ok(methods.includes('tls_client_auth') && methods.includes('self_signed_tls_client_auth'));
    assert.equal(body['tls_client_certificate_bound_access_tokens'], true);
    assert.equal((body['mtls_endpoint_aliases'] as Record<string, string>)['token_endpoint'], `${address}/token`);
    assert.equal(body['token_endpoint'], `${service.issuer}/token`);
  });

  test('each client proves itself by its own certificate, and by no other', async () => {
    for (const [client, right] of [
      ['self-signed', own],
      ['by-subject', worker],
      ['by-dns', byName],
    ] as const) {
      const { status, body } = await tokenWith(client, right);
      assert.equal(status, 200, `${client} ${JSON.stringify(body)}`);
      for (const wrong of [undefined, own, worker, byName, stranger, samePretended].filter((one) => one !== right)) {
        const refused = await tokenWith(client, wrong);
        assert.equal(refused.body['error'], 'invalid_client', `${client} ${wrong?.x509.subject}`);
      }
    }
    assert.equal((await tokenWith('late', expired)).body['error'], 'invalid_client', 'it is not valid any more');
  });

  test('J04 a header that the proxy did not set is nobody’s certificate, nor is one that comes twice', async () => {
    const pem = encodeURIComponent(own.cert);
    const body = new URLSearchParams(credentials('self-signed')).toString();
    for (const headers of [
      { 'x-client-cert': pem, 'x-client-verify': 'SUCCESS' },
      { 'X-Client-Cert': `:${own.x509.raw.toString('base64')}:`, 'X-Client-Verify': 'SUCCESS' },
      { 'client-cert': pem, 'x-ssl-client-cert': pem, 'ssl-client-verify': 'SUCCESS' },
    ] as Record<string, string>[]) {
      const direct = await send(httpRequest, `${service.issuer}/token`, body, { headers });
      assert.equal(direct.body['error'], 'invalid_client');
      const through = await ask('/token', { fields: credentials('self-signed'), headers });
      assert.equal(through.body['error'], 'invalid_client');
    }
    const fromProxy = (headers: object) =>
      send(httpRequest, `${service.issuer.replace('localhost', '127.0.0.1')}/token`, body, {
        localAddress: '127.0.0.9',
        headers,
      });
    assert.equal((await fromProxy({ 'x-client-cert': pem })).status, 200);
    assert.equal(
      (await fromProxy({ 'x-client-cert': `:${own.x509.raw.toString('base64')}:` })).status,
      200,
      'RFC 9440',
    );
    for (const odd of [
      [pem, pem],
      [pem, encodeURIComponent(stranger.cert)],
      `${pem}${pem}`,
      '%',
      'x'.repeat(13_000),
      '',
    ]) {
      assert.equal(
        (await fromProxy({ 'x-client-cert': odd })).body['error'],
        'invalid_client',
        String(odd).slice(0, 20),
      );
    }
  });

  test('a token is bound to the certificate it was given to', async () => {
    const { body } = await tokenWith('self-signed', own);
    const authorization = `Bearer ${String(body['access_token'])}`;
    const call = (certificate?: TestCertificate) =>
      ask('/admin/api/v1/users', { headers: { authorization }, ...(certificate && { certificate }) });
    assert.equal((await call(own)).status, 200);
    assert.equal((await call()).status, 401);
    assert.equal((await call(worker)).status, 401);
    const fields = { token: String(body['access_token']), client_id: 'self-signed' };
    const told = await ask('/introspect', { fields, certificate: own });
    const { cnf } = told.body as { cnf?: Record<string, string> };
    assert.match(cnf?.['x5t#S256'] ?? '', /^[\w-]{43}$/);
  });
});

test('a subject is compared whole, as RFC 4514 writes it', () => {
  const { x509 } = worker;
  const is = (name: string): boolean => subjectMatches(x509, 'tls_client_auth_subject_dn', name);
  assert.ok(is('CN=worker,O=Meadow\\, Inc.'));
  assert.ok(is('cn=worker,o=Meadow\\2c Inc.'));
  for (const other of [
    'CN=worker',
    'O=Meadow\\, Inc.,CN=worker',
    'CN=worker2,O=Meadow\\, Inc.',
    'worker',
    '',
    'CN=,O=',
  ]) {
    assert.equal(is(other), false, other);
  }
  assert.ok(subjectMatches(byName.x509, 'tls_client_auth_san_uri', 'urn:meadow:named'));
  assert.equal(subjectMatches(byName.x509, 'tls_client_auth_san_dns', 'other.named.example'), false);
});
