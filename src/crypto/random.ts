import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

/** A row's identifier: a random UUID (version 4), so that it tells neither order nor time. */
export function newId(): string {
  return randomUUID();
}

const poolBytes = 4096;
let pool = Buffer.alloc(0);
let taken = 0;

/**
 * `byteCount` random bytes from the operating system, which is asked for many at once: each call into it costs as much as
 * sealing a value. What was given away is wiped here.
 */
export function newBytes(byteCount: number): Buffer {
  if (byteCount > poolBytes / 16) return randomBytes(byteCount);
  if (taken + byteCount > pool.length) {
    pool = randomBytes(poolBytes);
    taken = 0;
  }
  const given = Buffer.allocUnsafeSlow(byteCount);
  pool.copy(given, 0, taken, taken + byteCount);
  pool.fill(0, taken, taken + byteCount);
  taken += byteCount;
  return given;
}

/** A bearer secret in base64url; 32 bytes are 256 bits. */
export function newToken(byteCount = 32): string {
  return newBytes(byteCount).toString('base64url');
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
