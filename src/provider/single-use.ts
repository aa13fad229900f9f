import type { Provider } from 'oidc-provider';
import { hashToken } from '../crypto/random.ts';

/** Of any number of parallel calls with one id one answers true. */
export type MarkUsed = (idHash: string, lifetimeSeconds: number) => Promise<boolean>;

/**
 * Identifiers of client assertions and DPoP proofs serve once (RFC 7523 section 3, RFC 9449 section 11.1). The engine
 * looks first and saves then, which two replicas do at the same time; here one insert decides.
 */
export function useIdentifiersOnce(provider: Provider, markUsed: MarkUsed, epochSeconds: () => number): void {
  const model = provider.ReplayDetection as unknown as {
    unique(issuer: string, jti: string, exp: number): Promise<boolean>;
  };
  model.unique = async (issuer, jti, exp) =>
    markUsed(hashToken(JSON.stringify([issuer, jti])), Math.max(1, Math.ceil(exp - epochSeconds())));
}
