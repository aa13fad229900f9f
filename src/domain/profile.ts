/** What a person may say of themselves. An empty text takes the claim away. */
export interface Profile {
  readonly name: string;
  readonly given_name: string;
  readonly family_name: string;
  /** BCP 47; null for whatever the browser asks for. */
  readonly locale: string | null;
  /** IANA time zone. */
  readonly zoneinfo: string | null;
}

export const profileNames = ['name', 'given_name', 'family_name'] as const;
const longestName = 120;

export type ReadProfile =
  | { readonly kind: 'read'; readonly profile: Profile }
  | { readonly kind: 'refused'; readonly error: { readonly code: ProfileFault; readonly field: string } };
export type ProfileFault = 'too-long' | 'locale-unknown' | 'zone-unknown';

/** Reads a profile from the fields of a form; control characters go, as nobody means them. */
export function readProfile(field: (name: string) => string, languages: readonly string[]): ReadProfile {
  const names: Record<string, string> = {};
  for (const name of profileNames) {
    const value = field(name)
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
    if (Array.from(value).length > longestName) return { kind: 'refused', error: { code: 'too-long', field: name } };
    names[name] = value;
  }
  const locale = field('locale');
  if (locale !== '' && !languages.includes(locale)) {
    return { kind: 'refused', error: { code: 'locale-unknown', field: 'locale' } };
  }
  const zoneinfo = field('zoneinfo').trim();
  if (zoneinfo !== '' && !isTimeZone(zoneinfo)) {
    return { kind: 'refused', error: { code: 'zone-unknown', field: 'zoneinfo' } };
  }
  const { name = '', given_name = '', family_name = '' } = names;
  return {
    kind: 'read',
    profile: { name, given_name, family_name, locale: locale || null, zoneinfo: zoneinfo || null },
  };
}

/** Whether this is the name of a time zone; an offset such as `+02:00` is none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
