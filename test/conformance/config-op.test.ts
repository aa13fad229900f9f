import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JSONWebKeySet } from 'jose';
import { startConformanceService } from '../support/conformance-service.ts';
import type { TestService } from '../support/service.ts';

describe('oidcc-config-certification-test-plan', () => {
  let service: TestService;
  before(async () => {
    service = await startConformanceService();
  });
  after(() => service?.close());

  test('oidcc-discovery-endpoint-verification', async () => {
    const response = await fetch(`${service.issuer}/.well-known/openid-configuration`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    const metadata = (await response.json()) as Record<string, unknown>;
    const list = (name: string): string[] => {
      const value = metadata[name];
      assert.ok(Array.isArray(value) && value.every((one) => typeof one === 'string'), name);
      return value;
    };
    assert.equal(metadata['issuer'], service.issuer);
    const paths = { authorization_endpoint: '/auth', token_endpoint: '/token', userinfo_endpoint: '/me' };
    for (const [name, path] of Object.entries({ ...paths, jwks_uri: '/jwks' })) {
      assert.equal(metadata[name], `${service.issuer}${path}`, 'each is an address of the issuer');
    }
    assert.deepEqual(list('response_types_supported'), ['code']);
    assert.ok(list('response_modes_supported').includes('form_post'));
    assert.ok(list('subject_types_supported').some((type) => ['public', 'pairwise'].includes(type)));
    assert.ok(list('id_token_signing_alg_values_supported').includes('RS256'));
    assert.ok(!list('id_token_signing_alg_values_supported').includes('none'));
    assert.ok(list('scopes_supported').includes('openid'));
    assert.ok(list('claims_supported').includes('sub'));
    assert.ok(list('grant_types_supported').includes('authorization_code'));
    assert.ok(!list('grant_types_supported').some((grant) => /implicit|password/.test(grant)));
    assert.ok(list('acr_values_supported').includes('urn:twofold:acr:2fa'));
    assert.ok(list('code_challenge_methods_supported').includes('S256'));
    assert.equal(metadata['authorization_response_iss_parameter_supported'], true);
    const methods = list('token_endpoint_auth_methods_supported');
    for (const method of ['client_secret_basic', 'client_secret_post', 'private_key_jwt']) {
      assert.ok(methods.includes(method), method);
    }
    assert.equal(metadata['request_uri_parameter_supported'], false, 'nothing is fetched that a request names');
    assert.equal(metadata['claims_parameter_supported'], true);

    const { keys } = (await (await fetch(String(metadata['jwks_uri']))).json()) as JSONWebKeySet;
    assert.ok(keys.length > 0);
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'each key has a name of its own');
    for (const key of keys) {
      assert.ok(key.kid, 'of several keys each has a name');
      assert.equal(key.use, 'sig');
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key), 'public parts alone');
      for (const part of ['n', 'e', 'x', 'y'] as const) {
        assert.match(key[part] ?? 'AA', /^[\w-]+$/, 'base64url without padding');
      }
    }
    assert.ok(keys.some(({ kty, alg }) => kty === 'RSA' && alg === 'RS256'));
  });
});
