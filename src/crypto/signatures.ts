import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';

/** Signs and recognises short texts that leave the service and come back. */
export interface Signatures {
  /** By the first key of the ring; base64url. */
  sign(text: string): string;
  /** Which key of the ring made the signature; -1 where none did. */
  index(text: string, signature: string): number;
  verify(text: string, signature: string): boolean;
}

/**
 * HMAC-SHA-256 under the ring of COOKIE_KEYS: the first signs, all are accepted, so that a key can be replaced while
 * people are signed in. What is signed for one `purpose` is no signature for another.
 */
export function createSignatures(ring: readonly string[], purpose: string): Signatures {
  // As key objects, made once: text would be made one at every use.
  const keys = ring.map((key) => createSecretKey(Buffer.from(key, 'utf8')));
  const [signingKey] = keys;
  if (signingKey === undefined) throw new TypeError('COOKIE_KEYS: at least one key is needed');
  const digest = (key: typeof signingKey, text: string) =>
    createHmac('sha256', key).update(`${purpose}:${text}`).digest();
  const index = (text: string, signature: string): number => {
    const given = Buffer.from(signature, 'base64url');
    return keys.findIndex((key) => {
      const right = digest(key, text);
      return given.length === right.length && timingSafeEqual(given, right);
    });
  };
  return {
    sign: (text) => digest(signingKey, text).toString('base64url'),
    index,
    verify: (text, signature) => index(text, signature) >= 0,
  };
}
