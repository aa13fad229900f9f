import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { dictionary } from '@zxcvbn-ts/language-common';

let loaded: ReadonlySet<string> | undefined;

/**
 * Whether a lower-cased password is one of the most common: the hundred thousand that were found most often in leaks
 * (the list of the NCSC, from Have I Been Pwned, CC BY 4.0, in lower case, lines that are no text left out), and those of
 * zxcvbn-ts. The list is bundled: no look-up leaves the machine.
 */
export function loadCommonPasswords(): (password: string) => boolean {
  const common = (loaded ??= read());
  return (password) => common.has(password);
}

function read(): ReadonlySet<string> {
  const file = brotliDecompressSync(readFileSync(new URL('common-passwords.br', import.meta.url)));
  const lists = Object.entries(dictionary as Record<string, readonly (string | number)[]>);
  const others = lists.filter(([name]) => /password/i.test(name)).flatMap(([, words]) => words.map(String));
  return new Set([...file.toString('utf8').split('\n'), ...others]);
}
