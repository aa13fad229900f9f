import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startService, type TestService } from '../support/service.ts';

describe('Config OP', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service.close());

  test('oidcc-discovery-endpoint-verification', async () => {
    const response = await fetch(`${service.issuer}/.well-known/openid-configuration`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    const metadata = (await response.json()) as Record<string, unknown>;
    assert.equal(metadata['issuer'], service.issuer);
    for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']) {
      assert.ok(String(metadata[name]).startsWith(`${service.issuer}/`), name);
    }
    const holds = (name: string, value: string): void =>
      assert.ok((metadata[name] as string[] | undefined)?.includes(value), `${name} has ${value}`);
    holds('response_types_supported', 'code');
    holds('id_token_signing_alg_values_supported', 'RS256');
    holds('scopes_supported', 'openid');
    holds('claims_supported', 'sub');
    holds('acr_values_supported', 'urn:twofold:acr:2fa');
    holds('code_challenge_methods_supported', 'S256');
    assert.ok(Array.isArray(metadata['subject_types_supported']));
    assert.equal(metadata['claims_parameter_supported'], true);
    assert.equal(metadata['authorization_response_iss_parameter_supported'], true);
    assert.deepEqual(metadata['response_types_supported'], ['code'], 'no implicit grant');
    assert.ok(!(metadata['grant_types_supported'] as string[]).some((grant) => /implicit|password/.test(grant)));
  });
});
