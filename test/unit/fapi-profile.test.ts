import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepToFapiProfile } from '../../src/relying-parties/fapi-profile.ts';

const jwks = { keys: [] };
const base = { twofold_fapi_profile: 'security', jwks, redirect_uris: ['https://rp.example/callback'] };

test('a client without a profile stays as it is', () => {
  const metadata = { redirect_uris: ['http://localhost/callback'] };
  assert.equal(keepToFapiProfile(metadata, false), metadata);
});

test('the security profile turns on what it demands', () => {
  const kept = keepToFapiProfile(base, true);
  assert.equal(kept['token_endpoint_auth_method'], 'private_key_jwt');
  assert.equal(kept['require_pushed_authorization_requests'], true);
  assert.equal(kept['dpop_bound_access_tokens'], true);
  assert.equal(kept['id_token_signed_response_alg'], 'ES256');
  assert.equal(kept['require_signed_request_object'], undefined);
});

test('message signing demands signed requests and answers beside it', () => {
  const kept = keepToFapiProfile({ ...base, twofold_fapi_profile: 'message-signing' }, true);
  assert.equal(kept['require_signed_request_object'], true);
  assert.equal(kept['authorization_signed_response_alg'], 'ES256');
  assert.equal(kept['introspection_signed_response_alg'], 'ES256');
});

const forbidden: readonly [string, Record<string, unknown>][] = [
  ['twofold_fapi_profile', { twofold_fapi_profile: 'baseline' }],
  ['token_endpoint_auth_method', { token_endpoint_auth_method: 'client_secret_basic' }],
  ['token_endpoint_auth_method', { token_endpoint_auth_method: 'none' }],
  ['require_pushed_authorization_requests', { require_pushed_authorization_requests: false }],
  ['dpop_bound_access_tokens', { dpop_bound_access_tokens: false }],
  ['id_token_signed_response_alg', { id_token_signed_response_alg: 'RS256' }],
  ['token_endpoint_auth_signing_alg', { token_endpoint_auth_signing_alg: 'RS256' }],
  ['request_object_signing_alg', { request_object_signing_alg: 'RS256' }],
  ['redirect_uris', { redirect_uris: ['http://localhost/callback'] }],
  ['jwks', { jwks: undefined }],
];
for (const [field, metadata] of forbidden) {
  test(`FAPI refuses to register ${JSON.stringify(metadata)}`, () => {
    assert.throws(() => keepToFapiProfile({ ...base, ...metadata }, true), { code: 'invalid_input', field });
  });
}

test('FAPI refuses to do without PKCE', () => {
  assert.throws(() => keepToFapiProfile(base, false), { field: 'require_pkce' });
});
