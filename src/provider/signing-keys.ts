import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { newToken } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { SigningKeyStore, StoredSigningKey } from './stores.ts';

/** RS256 must be there for compatibility (OpenID Connect Core section 15.1); ES256 is cheaper and preferred. */
const algorithms = ['RS256', 'ES256', 'EdDSA'] as const;

/** The private keys in the form the engine takes, making the first of each algorithm on an empty database. */
export async function loadSigningKeys(store: SigningKeyStore, box: SecretBox): Promise<{ keys: JWK[] }> {
  let stored = await store.list();
  for (const algorithm of algorithms) {
    if (stored.some((key) => key.algorithm === algorithm)) continue;
    await store.insertFirst(await newSigningKey(algorithm, box));
    stored = await store.list();
  }
  const keys = stored.map((key): JWK => {
    const secret = JSON.parse(box.open(key.privateSealed, contextOf(key.kid)).toString('utf8')) as JWK;
    return { ...key.publicJwk, ...secret, kid: key.kid, alg: key.algorithm, use: 'sig' };
  });
  return { keys };
}

async function newSigningKey(algorithm: string, box: SecretBox): Promise<StoredSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
  const kid = newToken(12);
  const [secret, open] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
  return {
    kid,
    algorithm,
    publicJwk: open,
    privateSealed: box.seal(Buffer.from(JSON.stringify(secret)), contextOf(kid)),
  };
}

function contextOf(kid: string) {
  return { table: 'signing_keys', column: 'private_sealed', owner: '', row: kid };
}
