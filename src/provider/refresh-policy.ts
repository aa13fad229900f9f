import type { KoaContextWithOIDC } from 'oidc-provider';
import { acrTwoFactors, type AcrNames } from '../domain/authentication.ts';

export interface RefreshPolicy {
  readonly acrNames: AcrNames;
  /** Whether a refresh token that only a password earned may still be used by that client. */
  readonly mayRefreshOneFactor: (userId: string, clientId: string) => Promise<boolean>;
}

/** A refresh is no way round a policy that became stricter since the sign-in (RFC 9470 section 7 leaves it to us). */
export async function isRefreshRefused(
  { oidc }: KoaContextWithOIDC,
  userId: string,
  token: unknown,
  { acrNames, mayRefreshOneFactor }: RefreshPolicy,
): Promise<boolean> {
  const { kind, acr } = (token ?? {}) as { kind?: string; acr?: string };
  const clientId = oidc.client?.clientId;
  if (kind !== 'RefreshToken' || clientId === undefined) return false;
  if (acr !== undefined && acrNames.meaningOf(acr) === acrTwoFactors) return false;
  return !(await mayRefreshOneFactor(userId, clientId));
}
