import { dictionary } from '@zxcvbn-ts/language-common';

/** Whether a lower-cased password is one of the most common; the bundled list, no look-up leaves the machine. */
export function loadCommonPasswords(): (password: string) => boolean {
  const lists = Object.entries(dictionary as Record<string, readonly (string | number)[]>);
  const common = new Set(lists.filter(([name]) => /password/i.test(name)).flatMap(([, words]) => words.map(String)));
  return (password) => common.has(password);
}
