import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, exportJWK, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import {
  addProtocolClient,
  keyPair,
  pkce,
  type Answer,
  type KeyPair,
  type ProtocolClient,
} from '../support/protocol-client.ts';
import { startConformanceService } from '../support/conformance-service.ts';
import type { TestService } from '../support/service.ts';
import { newBrowserOf } from '../support/sign-in.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const minutes = 60;

// Signed requests, answers signed by JARM. The two australia-connectid modules (exp over 10, nbf over 15 minutes) hold
// limits of that ecosystem alone, and are left out.
describe('fapi2-message-signing-final-test-plan', () => {
  let service: TestService;
  let client: ProtocolClient;
  let second: ProtocolClient;
  let rsa: KeyPair;
  before(async () => {
    service = await startConformanceService();
    rsa = await keyPair('RS256');
    const metadata = { twofold_fapi_profile: 'message-signing' };
    second = await addProtocolClient(service, metadata);
    client = await addProtocolClient(service, metadata);
  });
  after(() => service?.close());

  const claimsWith = (changes: Record<string, unknown>): Record<string, unknown> => ({
    iss: client.id,
    client_id: client.id,
    aud: service.issuer,
    jti: randomUUID(),
    iat: now(),
    nbf: now(),
    exp: now() + 5 * minutes,
    response_type: 'code',
    response_mode: 'jwt',
    scope: 'openid',
    redirect_uri: client.redirectUri,
    state: 'the-state',
    ...pkce().parameters,
    ...changes,
  });
  const sign = (changes: Record<string, unknown> = {}, key = client.keys.privateKey, alg = 'ES256'): Promise<string> =>
    new SignJWT(claimsWith(changes))
      .setProtectedHeader({ alg, kid: alg === 'RS256' ? 'rsa' : 'client-key', typ: 'oauth-authz-req+jwt' })
      .sign(key);
  const push = (request: string): Promise<Answer> => client.post('/par', { request });

  /** The request is taken, and its signed answer says for whom it is, by whom, until when, and the code. */
  async function succeeds(changes: Record<string, unknown>): Promise<void> {
    const answer = await push(await sign(changes));
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    const agent = newBrowserOf(service);
    const person = await service.addPerson();
    const query = new URLSearchParams({ client_id: client.id, request_uri: String(answer.body['request_uri']) });
    const first = await agent.follow(`/auth?${query.toString()}`);
    let step = await agent.submit(await agent.submitPassword(first, person), { code: person.code() });
    if (step.page === 'consent') step = await agent.submit(step, { decision: 'allow' });
    const { searchParams } = new URL(step.location ?? '');
    assert.deepEqual([...searchParams.keys()], ['response'], 'nothing beside the signed answer');
    const keys = createRemoteJWKSet(new URL(`${service.issuer}/jwks`));
    const { payload } = await jwtVerify(searchParams.get('response') ?? '', keys, {
      issuer: service.issuer,
      audience: client.id,
      algorithms: ['PS256', 'ES256', 'EdDSA'],
      requiredClaims: ['exp', 'code'],
    });
    assert.equal(payload['state'], 'the-state');
    assert.equal(payload['error'], undefined);
  }

  async function fails(request: string): Promise<void> {
    const answer = await push(request);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.match(answer.body.error ?? '', /^(?:invalid_request_object|invalid_request)$/);
    assert.equal(answer.body['request_uri'], undefined);
  }

  const name = (module: string): string => `fapi2-security-profile-final-${module}`;

  test(name('ensure-request-object-with-multiple-aud-succeeds'), () =>
    succeeds({ aud: ['https://other.example', service.issuer] }),
  );
  test(name('ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted'), () => succeeds({ nbf: now() + 8 }));

  const refused: Record<string, () => Record<string, unknown>> = {
    'ensure-request-object-without-exp-fails': () => ({ exp: undefined }),
    'ensure-request-object-without-nbf-fails': () => ({ nbf: undefined }),
    'ensure-expired-request-object-fails': () => ({ nbf: now() - 10 * minutes, exp: now() - 5 * minutes }),
    'ensure-request-object-with-bad-aud-fails': () => ({ aud: 'https://other.example' }),
    'ensure-request-object-with-exp-over-60-fails': () => ({ exp: now() + 70 * minutes }),
    'ensure-request-object-with-nbf-over-60-fails': () => ({ nbf: now() - 70 * minutes }),
    'par-authorization-request-containing-request_uri': () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }),
  };
  for (const [module, changes] of Object.entries(refused)) {
    test(name(module), async () => fails(await sign(changes())));
  }

  test(name('ensure-signed-request-object-with-RS256-fails'), async () => {
    const jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'sig' };
    const own = { ...(await exportJWK(client.keys.publicKey)), kid: 'client-key', use: 'sig' };
    await addProtocolClient(service, {
      client_id: client.id,
      redirect_uris: [client.redirectUri],
      twofold_fapi_profile: 'message-signing',
      jwks: { keys: [own, jwk] },
    });
    await fails(await sign({}, rsa.privateKey, 'RS256'));
  });

  test(name('ensure-request-object-signature-algorithm-is-not-none'), () =>
    fails(new UnsecuredJWT(claimsWith({})).encode()),
  );

  test(name('ensure-request-object-with-invalid-signature-fails'), async () => {
    const [header, payload, signature = ''] = (await sign()).split('.');
    await fails([header, payload, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.'));
  });

  test(name('ensure-matching-key-in-authorization-request'), async () => fails(await sign({}, second.keys.privateKey)));

  test(name('ensure-unsigned-request-at-par-endpoint-fails'), async () => {
    const fields = { response_type: 'code', scope: 'openid', redirect_uri: client.redirectUri, ...pkce().parameters };
    const answer = await client.post('/par', fields);
    assert.equal(answer.status, 400);
    assert.match(answer.body.error ?? '', /^(?:invalid_request_object|invalid_request)$/);
  });
});
