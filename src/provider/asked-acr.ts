import type { AskedAcr } from '../domain/authentication.ts';

/**
 * What a request asks of `acr`. The claims parameter is read as it was sent: where there are `acr_values` too, the
 * engine puts these in its place (OpenID Connect Core sections 3.1.2.1 and 5.5.1.1).
 */
export function askedAcr(params: Readonly<Record<string, unknown>> | undefined): AskedAcr {
  const acr = acrClaimOf(params?.['claims']);
  const given = acr?.values ?? (acr?.value === undefined ? [] : [acr.value]);
  const byParameter = typeof params?.['acr_values'] === 'string' ? params['acr_values'].split(' ') : [];
  return {
    byClaims: (Array.isArray(given) ? given : []).filter(isName),
    // Whatever is no list of names names nothing that could be reached.
    essential: acr?.essential === true && (acr.value !== undefined || acr.values !== undefined),
    byParameter: byParameter.filter(isName),
  };
}

function acrClaimOf(claims: unknown): { value?: unknown; values?: unknown; essential?: unknown } | undefined {
  if (typeof claims !== 'string') return undefined;
  try {
    const { id_token: idToken } = JSON.parse(claims) as { id_token?: { acr?: object | null } | null };
    return typeof idToken?.acr === 'object' && idToken.acr !== null ? idToken.acr : undefined;
  } catch {
    // The engine refuses what is no JSON.
    return undefined;
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
