import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { addProtocolClient, keyPair } from '../../support/protocol-client.ts';
import { codeOf } from '../../support/user-agent.ts';
import { assertRefused, type FapiModule, type FapiWorld } from './world.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const unknownClient = /^(?:invalid_client|invalid_request)$/;

/** Modules of private_key_jwt, at the token endpoint and where requests are pushed. */
export const clientAssertionModules: Readonly<Record<string, FapiModule>> = {
  'ensure-signed-client-assertion-with-RS256-fails': async ({ service, issuer }) => {
    const rsa = await keyPair('RS256');
    const jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'sig' };
    const client = await addProtocolClient(service, { twofold_fapi_profile: 'security', jwks: { keys: [jwk] } });
    const assertion = await new SignJWT({
      iss: client.id,
      sub: client.id,
      aud: issuer,
      jti: randomUUID(),
      exp: now() + 60,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'rsa' })
      .sign(rsa.privateKey);
    assertRefused(
      await client.post('/token', { grant_type: 'authorization_code', code: 'x' }, { assertion }),
      401,
      unknownClient,
    );
  },

  'ensure-client-assertion-in-token-endpoint': async (world) => {
    const pushed = await world.mustPush();
    const code = codeOf(await world.authorize(pushed));
    const response = await fetch(`${world.issuer}/token`, {
      method: 'POST',
      headers: { dpop: await world.proof('/token') },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: world.client.id,
        code,
        redirect_uri: world.client.redirectUri,
        code_verifier: pushed.verifier,
      }),
    });
    assert.equal(response.status, 401);
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_client');
  },

  'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails': (world) => refusedAtToken(world, { exp: now() - 300 }),
  'ensure-client-assertion-with-wrong-aud-fails': (world) => refusedAtToken(world, { aud: 'https://other.example' }),
  'ensure-client-assertion-with-no-sub-fails': (world) => refusedAtToken(world, { sub: undefined }),

  'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted': async (world) =>
    void (await world.mustPush({}, { assertion: await world.client.assertion({ nbf: now() + 8, iat: now() + 8 }) })),
  'par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails': (world) =>
    refusedAtPar(world, { nbf: now() + 65 }),
  'par-test-array-as-audience-fails': (world) => refusedAtPar(world, { aud: [world.issuer] }),
  'par-test-par-endpoint-url-as-audience-fails': (world) => refusedAtPar(world, { aud: `${world.issuer}/par` }),
  'par-test-token-endpoint-url-as-audience-fails': (world) => refusedAtPar(world, { aud: `${world.issuer}/token` }),
};

async function refusedAtPar(world: FapiWorld, claims: Record<string, unknown>): Promise<void> {
  assertRefused((await world.push({}, { assertion: await world.client.assertion(claims) })).answer, 401, unknownClient);
}

/** A code that would be taken is not, and is still good for whoever proves to be the client. */
async function refusedAtToken(world: FapiWorld, claims: Record<string, unknown>): Promise<void> {
  const pushed = await world.mustPush();
  const code = codeOf(await world.authorize(pushed));
  const assertion = await world.client.assertion(claims);
  assertRefused(await world.redeem(code, pushed.verifier, { assertion }), 401, unknownClient);
  await world.readTokens(await world.redeem(code, pushed.verifier), pushed.fields['nonce']);
}
