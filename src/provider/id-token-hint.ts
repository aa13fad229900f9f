import { decodeJwt } from 'jose';

/**
 * The subject of a request's `id_token_hint`, which the engine has verified when the request came in. It is not looked
 * at again when the interaction is resumed, so whoever finishes one compares it.
 */
export function hintedSubject(params: Record<string, unknown>): string | undefined {
  const hint = params['id_token_hint'];
  if (typeof hint !== 'string') return undefined;
  try {
    return decodeJwt(hint).sub;
  } catch {
    return undefined;
  }
}
