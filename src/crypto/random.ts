import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

/** A row's identifier: a random UUID (version 4), so that it tells neither order nor time. */
export function newId(): string {
  return randomUUID();
}

/** `byteCount` random bytes from the operating system. */
export function newBytes(byteCount: number): Buffer {
  return randomBytes(byteCount);
}

/** A bearer secret in base64url; 32 bytes are 256 bits. */
export function newToken(byteCount = 32): string {
  return randomBytes(byteCount).toString('base64url');
}

/**
 * The form in which a random bearer secret is stored and looked up: SHA-256, base64url. Enough for secrets of 112 bits
 * and more (NIST SP 800-63B-4 section 3.1.2.2); never for a password.
 */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url');
}

/** Compares two strings in a time that depends on their length alone. */
export function equalInConstantTime(left: string, right: string): boolean {
  const a = hash('sha256', left, 'buffer');
  const b = hash('sha256', right, 'buffer');
  return timingSafeEqual(a, b);
}
