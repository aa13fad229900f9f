export const longestLogin = 254;

/** One spelling of a user name or address for look-ups and uniqueness. */
export function foldLogin(login: string): string {
  return login.normalize('NFKC').trim().toLowerCase();
}

/** Whether a text may be a user name: printable, one line, no spaces, and not an address of somebody. */
export function isUsername(text: string): boolean {
  return text.length >= 1 && text.length <= longestLogin && !/[\p{C}\p{Z}]/u.test(text);
}

/** A plausible address; whether it exists only a mail can tell. */
export function isEmailAddress(text: string): boolean {
  return text.length <= longestLogin && /^[^\s@\p{C}]{1,64}@[^\s@\p{C}.]+(?:\.[^\s@\p{C}.]+)*$/u.test(text);
}
