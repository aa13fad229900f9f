export const shortestWithSecondFactor = 8;
export const shortestAlone = 15;
export const longestPassword = 256;

export type PasswordVerdict =
  | { readonly kind: 'good' }
  | { readonly kind: 'too-short'; readonly least: number }
  | { readonly kind: 'too-long'; readonly most: number }
  /** One of the most common passwords, or made of words that everyone would try here. */
  | { readonly kind: 'common' };

/** Set and checked in one spelling (NIST SP 800-63B-4 section 3.1.1.2); nothing else is changed. */
export function normalisePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * Whether a password may be set. Code points count, any composition is allowed, and the whole is compared with the list
 * of common ones and with words of the place: the product, the issuer's host, the person's own name.
 */
export function judgePassword(
  password: string,
  options: {
    readonly withSecondFactor: boolean;
    readonly isCommon: (password: string) => boolean;
    readonly contextWords: readonly string[];
  },
): PasswordVerdict {
  const normal = normalisePassword(password);
  const length = Array.from(normal).length;
  const least = options.withSecondFactor ? shortestWithSecondFactor : shortestAlone;
  if (length < least) return { kind: 'too-short', least };
  if (length > longestPassword) return { kind: 'too-long', most: longestPassword };
  const folded = normal.toLowerCase();
  if (options.isCommon(folded)) return { kind: 'common' };
  // A context word with a few digits or signs around it is the first thing a guesser tries.
  const bare = folded.replaceAll(/[^\p{L}]/gu, '');
  for (const word of options.contextWords) {
    const foldedWord = word.toLowerCase().replaceAll(/[^\p{L}]/gu, '');
    if (foldedWord.length >= 3 && (bare === foldedWord || bare === foldedWord + foldedWord)) return { kind: 'common' };
  }
  return { kind: 'good' };
}
