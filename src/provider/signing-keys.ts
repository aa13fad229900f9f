import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { newToken } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { SigningAlgorithm } from '../domain/signing-key.ts';
import type { NewSigningKey, StoredSigningKey } from './stores.ts';

const order = { active: 0, published: 1, retired: 2, revoked: 3 };

/** The private keys as the engine takes them; it signs with the first of an algorithm and verifies with all. */
export function openSigningKeys(stored: readonly StoredSigningKey[], box: SecretBox): { keys: JWK[] } {
  const usable = stored.filter(({ state }) => state !== 'revoked');
  const keys = [...usable]
    .sort((a, b) => order[a.state] - order[b.state])
    .map((key): JWK => {
      const secret = JSON.parse(box.open(key.privateSealed, signingKeyContext(key.kid)).toString('utf8')) as JWK;
      return { ...key.publicJwk, ...secret, kid: key.kid, alg: key.algorithm, use: 'sig' };
    });
  return { keys };
}

/** Changes whenever the engine would have to be built anew. */
export function fingerprintOf(stored: readonly StoredSigningKey[]): string {
  return stored
    .filter(({ state }) => state !== 'revoked')
    .map(({ kid, state }) => `${kid}:${state}`)
    .sort()
    .join(' ');
}

/** A key pair of this algorithm, its private part sealed. */
export async function newSigningKey(algorithm: SigningAlgorithm, box: SecretBox): Promise<NewSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
  const kid = newToken(12);
  const [secret, open] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
  return {
    kid,
    algorithm,
    publicJwk: { ...open },
    privateSealed: box.seal(Buffer.from(JSON.stringify(secret)), signingKeyContext(kid)),
  };
}

/** What a private part is bound to. */
export function signingKeyContext(kid: string) {
  return { table: 'signing_keys', column: 'private_sealed', owner: '', row: kid };
}
