import { createHash, type X509Certificate } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { Clock } from '../clock.ts';
import { hashToken } from '../crypto/random.ts';
import { provedTwoFactors, type AcrNames } from '../domain/authentication.ts';
import { dpopAlgorithms, dpopWindowSeconds, readDpopProof } from './dpop-proof.ts';

/** One call of an API of ours. */
export interface ApiCall {
  /** The header `Authorization`, '' where there is none. */
  readonly authorization: string;
  /** The header `DPoP`. */
  readonly dpop: string;
  /** The certificate of the connection between client and proxy. */
  readonly certificate?: X509Certificate | undefined;
  readonly method: string;
  /** Without query; below the issuer's own path. */
  readonly path: string;
}

/** A token that lives, is meant for the API that was called, and was sent by who may send it. */
export interface CheckedToken {
  /** Null for a service (client credentials). */
  readonly accountId: string | null;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Both factors were proven in the session when this token was issued. */
  readonly twoFactors: boolean;
  /** Epoch seconds at which the password was proven; 0 for a service. */
  readonly authTime: number;
  /** The session it came from, or its grant where it outlives the session: what pending acts are bound to. */
  readonly boundTo: string;
  readonly sessionUid: string | null;
}

export type TokenCheck =
  | { readonly kind: 'valid'; readonly token: CheckedToken; readonly scheme: 'Bearer' | 'DPoP' }
  /** `challenge` is the whole header `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1). */
  | { readonly kind: 'refused'; readonly challenge: string };

export interface CheckAccessTokenDependencies {
  readonly provider: () => Provider;
  readonly acrNames: AcrNames;
  readonly issuer: string;
  readonly clock: Clock;
}

interface StoredToken {
  readonly accountId?: string;
  readonly clientId?: string;
  readonly aud?: string | string[];
  readonly scope?: string;
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
  readonly grantId?: string;
  readonly sessionUid?: string;
  readonly isValid: boolean;
  readonly extra?: { readonly acr?: string; readonly amr?: readonly string[]; readonly auth_time?: number };
}

/**
 * Looks an opaque token up at every call: it is refused the moment its person is disabled or its grant or session ends.
 * One message for all that is wrong with it.
 */
export function createCheckAccessToken({ provider, acrNames, issuer, clock }: CheckAccessTokenDependencies) {
  return async (call: ApiCall, audience: string): Promise<TokenCheck> => {
    const match = /^(Bearer|DPoP) ([A-Za-z0-9._~+/-]{16,500}=*)$/i.exec(call.authorization);
    if (match === null) return { kind: 'refused', challenge: 'Bearer' };
    const scheme = match[1]?.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer';
    const value = match[2] ?? '';
    const engine = provider();
    const found = ((await engine.AccessToken.find(value)) ??
      (await engine.ClientCredentials.find(value))) as unknown as StoredToken | undefined;
    if (found === undefined || !found.isValid || found.aud !== audience) return refused(scheme);
    const { clientId = '', extra = {} } = found;
    if ((await engine.Client.find(clientId)) === undefined) return refused(scheme);
    // A bound token is worth nothing without its key, and never passes as a bearer token (RFC 9449 section 7.2).
    if ((found.jkt !== undefined) !== (scheme === 'DPoP')) return refused(scheme);
    // RFC 8705 section 3: the certificate of this connection must be the one the token was given to.
    const boundTo = found['x5t#S256'];
    if (boundTo !== undefined && (call.certificate === undefined || thumbprintOf(call.certificate) !== boundTo)) {
      return refused(scheme);
    }
    if (scheme === 'DPoP') {
      const nowSeconds = clock.epochSeconds();
      const expected = { method: call.method, uri: `${issuer}${call.path}`, accessToken: value, nowSeconds };
      const proof = await readDpopProof(call.dpop, expected);
      if (proof === undefined || proof.thumbprint !== found.jkt) return refused(scheme);
      const until = nowSeconds + 2 * dpopWindowSeconds;
      if (!(await isFirstUse(engine, clientId, proof.jti, until))) return refused(scheme);
    }
    const acr = extra.acr === undefined ? undefined : acrNames.meaningOf(extra.acr);
    return {
      kind: 'valid',
      scheme,
      token: {
        accountId: found.accountId ?? null,
        clientId,
        scopes: new Set((found.scope ?? '').split(' ')),
        twoFactors: provedTwoFactors(acr, extra.amr),
        authTime: extra.auth_time ?? 0,
        boundTo: found.sessionUid ?? found.grantId ?? hashToken(value),
        sessionUid: found.sessionUid ?? null,
      },
    };
  };
}

const thumbprintOf = ({ raw }: X509Certificate): string => createHash('sha256').update(raw).digest('base64url');

async function isFirstUse(engine: Provider, clientId: string, jti: string, until: number): Promise<boolean> {
  const { ReplayDetection } = engine as unknown as {
    ReplayDetection: { unique(issuer: string, jti: string, exp: number): Promise<boolean> };
  };
  try {
    return await ReplayDetection.unique(clientId, jti, until);
  } catch (error) {
    // Two at once with the same proof: the second finds the mark already there.
    if ((error as { error?: string }).error === 'invalid_request') return false;
    throw error;
  }
}

function refused(scheme: 'Bearer' | 'DPoP'): TokenCheck {
  const algorithms = scheme === 'DPoP' ? `, algs="${dpopAlgorithms.join(' ')}"` : '';
  return { kind: 'refused', challenge: `${scheme} error="invalid_token"${algorithms}` };
}
