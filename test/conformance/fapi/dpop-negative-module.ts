import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { keyPair } from '../../support/protocol-client.ts';
import type { FapiModule } from './world.ts';

/** Every way in which a proof may be wrong at the resource, and the few oddities that are right (RFC 9449 section 4.3). */
export const dpopNegativeModule: FapiModule = async (world) => {
  const { accessToken } = await world.flow();
  const at = `${world.issuer}/me`;
  const call = (options: Parameters<typeof world.resource>[1]) => world.resource(accessToken, options);
  const good = () => world.proof('/me', { method: 'GET', accessToken });
  const now = Math.floor(Date.now() / 1000);

  assert.equal(await call({ scheme: 'DPOP' }), 200, 'the scheme in upper case');
  assert.equal(await call({ claims: { htu: `${at}?a=b` } }), 200, 'a query in htu');
  assert.equal(await call({ claims: { htu: `${at}#part` } }), 200, 'a fragment in htu');
  assert.equal(await call({ claims: { htu: at.replace('localhost', 'LOCALHOST') } }), 200, 'the host in upper case');
  assert.equal(await call({ claims: { extra: 'claim' } }), 200);
  assert.equal(await call({ claims: { iat: now - 10 } }), 200);

  const refused: Record<string, Parameters<typeof world.resource>[1]> = {
    'several proofs': { dpop: `${await good()}, ${await good()}` },
    'no JWT': { dpop: 'this is no proof' },
    'no typ': { header: { typ: undefined } },
    'another typ': { header: { typ: 'JWT' } },
    'no jwk': { header: { jwk: undefined } },
    'a private key in jwk': { header: { jwk: await exportJWK(world.keys.privateKey) } },
    'no jti': { claims: { jti: undefined } },
    'no htm': { claims: { htm: undefined } },
    'no htu': { claims: { htu: undefined } },
    'no iat': { claims: { iat: undefined } },
    'no ath': { claims: { ath: undefined } },
    'another method': { claims: { htm: 'POST' } },
    'another path': { claims: { htu: `${world.issuer}/token` } },
    'another host': { claims: { htu: 'https://other.example/me' } },
    'an hour late': { claims: { iat: now - 3600 } },
    'an hour early': { claims: { iat: now + 3600 } },
    'another token': { claims: { ath: 'x'.repeat(43) } },
    'another key': { keys: await keyPair() },
    'no proof': { noProof: true },
    'as a bearer token': { scheme: 'Bearer' },
    'as a bearer token without proof': { scheme: 'Bearer', noProof: true },
  };
  for (const [name, options] of Object.entries(refused)) {
    assert.ok([400, 401].includes(await call(options)), name);
  }

  const [header = '', payload = '', signature = ''] = (await good()).split('.');
  const decoded = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Record<string, unknown>;
  const withHeader = (changed: Record<string, unknown>): string =>
    Buffer.from(JSON.stringify(changed)).toString('base64url');
  const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  const { alg: _alg, ...withoutAlg } = decoded;
  for (const [name, dpop] of Object.entries({
    'a bad signature': [header, payload, flipped].join('.'),
    'alg none': `${withHeader({ ...decoded, alg: 'none' })}.${payload}.`,
    'no alg': [withHeader(withoutAlg), payload, signature].join('.'),
  })) {
    assert.ok([400, 401].includes(await call({ dpop })), name);
  }

  const rsa = await keyPair('RS256');
  const jwk = await exportJWK(rsa.publicKey);
  const claims = { htm: 'GET', htu: at, jti: randomUUID(), iat: now };
  const signed = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: 'dpop+jwt', jwk })
    .sign(rsa.privateKey);
  assert.ok([400, 401].includes(await call({ dpop: signed })), 'RS256');

  const once = await good();
  assert.equal(await call({ dpop: once }), 200);
  assert.ok([400, 401].includes(await call({ dpop: once })), 'the same jti twice');
  assert.equal(await call({}), 200, 'the token itself is still good');
};
