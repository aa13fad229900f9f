/** Only what this needs of the engine's context. */
interface AskingContext {
  readonly params?: Record<string, unknown> | undefined;
  readonly claims?: { id_token?: { acr?: { value?: unknown; values?: unknown; essential?: unknown } | null } };
}

/**
 * The `acr` values a request asks for, in its order: those of the claims parameter before `acr_values` (OpenID Connect
 * Core sections 3.1.2.1 and 5.5.1.1).
 */
export function askedAcrValues({ params, claims }: AskingContext): string[] {
  const acr = claims?.id_token?.acr;
  const list: unknown[] = acr
    ? Array.isArray(acr.values)
      ? acr.values
      : acr.value === undefined
        ? []
        : [acr.value]
    : [];
  const byParameter = typeof params?.['acr_values'] === 'string' ? params['acr_values'].split(' ') : [];
  const all = [...list, ...byParameter].filter((name): name is string => typeof name === 'string' && name !== '');
  return [...new Set(all)];
}
