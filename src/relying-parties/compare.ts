import type { RelyingParty } from './relying-party-store.ts';

/** A field that would change, in the names of RFC 7591, both sides as JSON; `(none)` where it is not set. */
export interface Difference {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** What of a relying party would change; the order of fields does not matter, that of values in a list does. */
export function differencesOf(before: RelyingParty | undefined, after: RelyingParty): Difference[] {
  const old = before === undefined ? {} : fieldsOf(before);
  const wanted = fieldsOf(after);
  return [...new Set([...Object.keys(old), ...Object.keys(wanted)])]
    .sort()
    .map((field) => ({ field, before: shown(old[field]), after: shown(wanted[field]) }))
    .filter(({ before: was, after: is }) => was !== is);
}

function fieldsOf(party: RelyingParty): Record<string, unknown> {
  const { metadata, firstParty, requirePkce, acrValues } = party;
  return { ...metadata, first_party: firstParty, require_pkce: requirePkce, acr_values: acrValues };
}

function shown(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value, inOrder);
}

/** Objects come back from the database with their keys in its own order. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
