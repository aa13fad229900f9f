/** Crockford's base 32: no I, L, O, U, so a code read aloud or written by hand comes back the same. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupLength = 4;
/** The first group names the row and is not secret: one code typed is one hash computed. */
const prefixLength = groupLength;
const secretLength = 16;

export const recoveryCodesInSet = 10;
/** Five bits a character: 80 secret bits, stored under a salted password hash (NIST SP 800-63B-4 section 3.1.2.2). */
export const recoveryCodeRandomBytes = prefixLength + secretLength;

export interface RecoveryCode {
  /** Names the row; unique within a set. */
  readonly prefix: string;
  /** The whole code without dashes, upper-case: what is hashed. */
  readonly normalised: string;
  /** Five groups of four with dashes, for people. */
  readonly display: string;
}

/** Makes a code from `recoveryCodeRandomBytes` random bytes; each byte gives five bits. */
export function recoveryCodeFrom(random: Uint8Array): RecoveryCode {
  const normalised = Array.from(random.subarray(0, recoveryCodeRandomBytes), (byte) => alphabet[byte & 31]).join('');
  return { prefix: normalised.slice(0, prefixLength), normalised, display: grouped(normalised) };
}

/**
 * What was typed as one of our own codes: case, dashes and spaces do not matter, and look-alikes are read as Crockford
 * says (O as 0, I and L as 1). Undefined where it cannot be one.
 */
export function readRecoveryCode(typed: string): RecoveryCode | undefined {
  if (typed.length > 128) return undefined;
  const normalised = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (normalised.length !== prefixLength + secretLength) return undefined;
  for (const character of normalised) if (!alphabet.includes(character)) return undefined;
  return { prefix: normalised.slice(0, prefixLength), normalised, display: grouped(normalised) };
}

/**
 * What was typed, laid into the pattern of an imported set (`????-????`): stripped of spaces and dashes, lower-cased,
 * a `?` for each character. No look-alike folding: those codes were made by others. Undefined where the length differs.
 */
export function layIntoPattern(typed: string, pattern: string): string | undefined {
  if (typed.length > 128) return undefined;
  const characters = Array.from(typed.toLowerCase().replaceAll(/[\s-]/g, ''));
  let used = 0;
  const laid = Array.from(pattern, (place) => (place === '?' ? (characters[used++] ?? '') : place)).join('');
  return used === characters.length && Array.from(pattern).filter((place) => place === '?').length === used
    ? laid
    : undefined;
}

function grouped(normalised: string): string {
  return normalised.match(/.{1,4}/g)?.join('-') ?? normalised;
}

/** Whether something typed into a field that takes either kind is meant as a recovery code: it has a letter, or is long. */
export function isRecoveryCodeLike(typed: string): boolean {
  const bare = typed.replaceAll(/[\s-]/g, '');
  return /\p{L}/u.test(bare) || bare.length > 8;
}
