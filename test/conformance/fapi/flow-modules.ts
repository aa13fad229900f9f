import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { keyPair } from '../../support/protocol-client.ts';
import { codeOf } from '../../support/user-agent.ts';
import { assertRefused, type FapiModule, type FapiWorld } from './world.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const thumbprint = async ({ keys }: FapiWorld): Promise<string> =>
  calculateJwkThumbprint(await exportJWK(keys.publicKey));

/** Modules of the flow as a whole, of the code and of tokens bound to a key. */
export const flowModules: Readonly<Record<string, FapiModule>> = {
  'discovery-end-point-verification': async ({ issuer }) => {
    const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<
      string,
      unknown
    >;
    const holds = (name: string, ...values: string[]): void => {
      for (const value of values) assert.ok((metadata[name] as string[]).includes(value), `${name} ${value}`);
    };
    assert.equal(metadata['issuer'], issuer);
    assert.equal(metadata['pushed_authorization_request_endpoint'], `${issuer}/par`);
    assert.equal(metadata['authorization_response_iss_parameter_supported'], true);
    holds('token_endpoint_auth_methods_supported', 'private_key_jwt');
    holds('token_endpoint_auth_signing_alg_values_supported', 'ES256', 'PS256');
    holds('dpop_signing_alg_values_supported', 'ES256', 'PS256');
    holds('id_token_signing_alg_values_supported', 'ES256');
    assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256']);
    assert.deepEqual(metadata['response_types_supported'], ['code']);
    assert.equal(metadata['claims_parameter_supported'], true);
  },

  'happy-flow': async (world) => {
    const { accessToken, claims } = await world.flow();
    assert.equal(await world.resource(accessToken), 200);
    assert.ok(claims.sub);
  },

  'user-rejects-authentication': async (world) => {
    const pushed = await world.mustPush();
    const { person, agent } = await world.newcomer();
    const step = await world.goThrough(agent, await world.open(agent, pushed.uri), person, 'deny');
    const { searchParams } = new URL(step.location ?? '');
    assert.equal(searchParams.get('error'), 'access_denied');
    assert.equal(searchParams.get('state'), pushed.fields['state']);
    assert.equal(searchParams.get('iss'), world.issuer);
    assert.equal(searchParams.get('code'), null);
  },

  'ensure-authorization-request-without-state-success': async (world) => void (await world.flow({ state: undefined })),
  'ensure-authorization-request-without-nonce-success': async (world) => void (await world.flow({ nonce: undefined })),
  'ensure-authorization-request-with-64-char-nonce-success': async (world) =>
    void (await world.flow({ nonce: 'n'.repeat(64) })),
  'ensure-authorization-request-with-long-nonce': async (world) => void (await world.flow({ nonce: 'n'.repeat(384) })),
  'ensure-authorization-request-with-long-state': async (world) => void (await world.flow({ state: 's'.repeat(384) })),
  'ensure-other-scope-order-succeeds': async (world) => void (await world.flow({ scope: 'email openid' })),

  'test-claims-parameter-identity-claims': async (world) => {
    const asked = { id_token: { name: null, email: { essential: true } }, userinfo: { name: null } };
    const { claims } = await world.flow({ claims: JSON.stringify(asked) });
    assert.equal(claims['name'], 'A Person');
    assert.match(String(claims['email']), /@example\.com$/);
  },

  'access-token-type-header-case-sensitivity': async (world) => {
    const { accessToken } = await world.flow();
    for (const scheme of ['DPoP', 'dpop', 'DPOP', 'dPoP']) {
      assert.equal(await world.resource(accessToken, { scheme }), 200, scheme);
    }
  },

  // What a JWT says of its own times holds for a proof too (RFC 7519 sections 4.1.4 and 4.1.5).
  'check-dpop-proof-nbf-exp': async (world) => {
    const { accessToken } = await world.flow();
    const at = now();
    assert.equal(await world.resource(accessToken, { claims: { nbf: at - 5, exp: at + 60 } }), 200);
    assert.equal(await world.resource(accessToken, { claims: { exp: at - 300 } }), 401);
    assert.equal(await world.resource(accessToken, { claims: { nbf: at + 300 } }), 401);
  },

  'ensure-dpopproof-with-iat-10seconds-before-succeeds': (world) => proofOff(world, -10),
  'ensure-dpopproof-with-iat-10seconds-after-succeeds': (world) => proofOff(world, 10),

  'ensure-mismatched-dpop-jkt-fails': async (world) => {
    const headers = { dpop: await world.proof('/par') };
    const other = await calculateJwkThumbprint(await exportJWK((await keyPair()).publicKey));
    const { answer } = await world.push({ dpop_jkt: other }, { headers });
    assertRefused(answer, 400, /^(?:invalid_dpop_proof|invalid_request)$/);
  },

  'ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt': async (world) => {
    const pushed = await world.mustPush({}, { headers: { dpop: await world.proof('/par') } });
    const code = codeOf(await world.authorize(pushed));
    const answer = await world.redeem(code, pushed.verifier, { keys: await keyPair() });
    assertRefused(answer, 400, /^(?:invalid_grant|invalid_dpop_proof)$/);
  },

  'ensure-token-endpoint-fails-with-mismatched-dpop-jkt': async (world) => {
    const pushed = await world.mustPush({ dpop_jkt: await thumbprint(world) });
    const code = codeOf(await world.authorize(pushed));
    const answer = await world.redeem(code, pushed.verifier, { keys: await keyPair() });
    assertRefused(answer, 400, /^(?:invalid_grant|invalid_dpop_proof)$/);
  },

  'ensure-dpopproof-at-par-endpoint-binding-success': async (world) =>
    void (await world.flow({}, { headers: { dpop: await world.proof('/par') } })),
  'ensure-dpop-auth-code-binding-success': async (world) =>
    void (await world.flow({ dpop_jkt: await thumbprint(world) })),

  'ensure-client-id-in-token-endpoint': async (world) => {
    const { code, verifier } = await codeFor(world);
    const answer = await world.redeem(code, verifier, { changes: { client_id: world.second.id } });
    assert.ok([400, 401].includes(answer.status));
    assert.match(answer.body.error ?? '', /^(?:invalid_client|invalid_request|invalid_grant)$/);
  },

  'ensure-holder-of-key-required': async (world) => {
    const { code, verifier } = await codeFor(world);
    assertRefused(
      await world.redeem(code, verifier, { headers: {} }),
      400,
      /^(?:invalid_dpop_proof|invalid_request|invalid_grant)$/,
    );
    const { accessToken } = await world.flow();
    assert.equal(await world.resource(accessToken, { scheme: 'Bearer', noProof: true }), 401);
    assert.ok([400, 401].includes(await world.resource(accessToken, { noProof: true })));
  },

  'ensure-authorization-code-is-bound-to-client': async (world) => {
    const { code, verifier } = await codeFor(world);
    assertRefused(await world.redeem(code, verifier, { by: world.second }), 400, /^invalid_grant$/);
  },

  'attempt-reuse-authorization-code-after-one-second': async (world) => {
    const { code, verifier } = await world.flow();
    await sleep(1000);
    assertRefused(await world.redeem(code, verifier), 400, /^invalid_grant$/);
  },

  'ensure-token-endpoint-fails-with-expired-auth-code': async (world) => {
    const { code, verifier } = await codeFor(world);
    await sleep(62_000);
    assertRefused(await world.redeem(code, verifier), 400, /^invalid_grant$/);
  },

  'ensure-pkce-code-verifier-required': async (world) => {
    const { code, verifier } = await codeFor(world);
    const answer = await world.redeem(code, verifier, { changes: { code_verifier: undefined } });
    assertRefused(answer, 400, /^(?:invalid_grant|invalid_request)$/);
  },

  'incorrect-pkce-code-verifier-rejected': async (world) => {
    const { code } = await codeFor(world);
    assertRefused(await world.redeem(code, 'w'.repeat(43)), 400, /^invalid_grant$/);
  },

  'refresh-token': async (world) => {
    const { body, claims } = await world.flow({ scope: 'openid offline_access', prompt: 'consent' });
    const fields = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    const stolen = await world.second.post('/token', fields, { headers: { dpop: await world.proof('/token') } });
    assertRefused(stolen, 400, /^invalid_grant$/);
    for (let time = 0; time < 2; time += 1) {
      // The first token serves again and again: no rotation (FAPI 2.0 section 5.3.2.1).
      const answer = await world.client.post('/token', fields, { headers: { dpop: await world.proof('/token') } });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(await world.resource(String(answer.body['access_token'])), 200);
    }
    assert.ok(claims.sub);
  },
};

async function codeFor(world: FapiWorld) {
  const pushed = await world.mustPush();
  return { code: codeOf(await world.authorize(pushed)), verifier: pushed.verifier };
}

/** A proof by a clock that is so many seconds off is taken at all three endpoints. */
async function proofOff(world: FapiWorld, seconds: number): Promise<void> {
  const claims = () => ({ claims: { iat: now() + seconds } });
  const pushed = await world.mustPush({}, { headers: { dpop: await world.proof('/par', claims()) } });
  const code = codeOf(await world.authorize(pushed));
  const headers = { dpop: await world.proof('/token', claims()) };
  const answer = await world.redeem(code, pushed.verifier, { headers });
  const { accessToken } = await world.readTokens(answer, pushed.fields['nonce']);
  assert.equal(await world.resource(accessToken, claims()), 200);
}
