import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Opens a Fernet token (AES-128-CBC with HMAC-SHA-256, version 0x80) under the first of the keys that fits; undefined
 * where none does. Keys are 32 bytes in base64url, half for signing and half for encryption.
 */
export function openFernet(token: string, keys: readonly string[]): Buffer | undefined {
  const bytes = Buffer.from(token, 'base64url');
  // Version, time, initialisation vector, one block, signature.
  if (bytes.length < 1 + 8 + 16 + 16 + 32 || bytes[0] !== 0x80) return undefined;
  const signed = bytes.subarray(0, -32);
  const signature = bytes.subarray(-32);
  for (const key of keys) {
    const raw = Buffer.from(key, 'base64url');
    if (raw.length !== 32) continue;
    const expected = createHmac('sha256', raw.subarray(0, 16)).update(signed).digest();
    if (!timingSafeEqual(expected, signature)) continue;
    const decipher = createDecipheriv('aes-128-cbc', raw.subarray(16), signed.subarray(9, 25));
    try {
      return Buffer.concat([decipher.update(signed.subarray(25)), decipher.final()]);
    } catch {
      // Signed by the right key, and yet no whole blocks: made by something else.
      return undefined;
    }
  }
  return undefined;
}
