import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** From "easy to guess" to "very good", as the pages' meter says it. */
export type StrengthStep = 0 | 1 | 2 | 3;

/** Beyond it nothing is learned, and the search for patterns grows with the square. */
const longestJudged = 64;
const stepOfScore: readonly StrengthStep[] = [0, 0, 1, 2, 3];

/** How hard a password is to guess (zxcvbn). A hint for people: what may be set is decided by the password policy. */
export function createPasswordStrength(contextWords: readonly string[]): (password: string) => StrengthStep {
  let zxcvbn: ZxcvbnFactory | undefined;
  return (password) => {
    // Made when the first is judged: most processes never draw such a page.
    zxcvbn ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
    const judged = Array.from(password.normalize('NFC')).slice(0, longestJudged).join('');
    return stepOfScore[zxcvbn.check(judged, [...contextWords]).score] ?? 0;
  };
}
