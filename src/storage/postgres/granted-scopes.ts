/** What a grant allows, as the engine writes it. */
export interface GrantPayload {
  readonly openid?: { readonly scope?: string };
  readonly resources?: Readonly<Record<string, string>>;
}

/** What a grant allows, named as consents are. */
export function grantedNames({ openid, resources = {} }: GrantPayload): string[] {
  const words = (scope: string): string[] => scope.split(' ').filter((word) => word !== '');
  return [
    ...words(openid?.scope ?? ''),
    ...Object.entries(resources).flatMap(([resource, scope]) => words(scope).map((word) => `${resource} ${word}`)),
  ];
}

/** The scopes of a grant's payload, of OpenID Connect and of every resource. */
export function scopesOf(payload: Record<string, unknown>): string[] {
  const { openid, resources } = payload as { openid?: { scope?: string }; resources?: Record<string, string> };
  const all = [openid?.scope ?? '', ...Object.values(resources ?? {})].flatMap((scope) => scope.split(' '));
  return [...new Set(all)].filter((scope) => scope !== '').sort();
}
