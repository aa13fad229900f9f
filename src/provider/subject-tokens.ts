import type { Adapter, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { createLocalJWKSet, jwtVerify, type JWK } from 'jose';

/** Whom a service acts for, and who acts: RFC 8693 section 4.1, the last one outermost. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** A person's access token that somebody brings to exchange it, whatever form it has. */
export interface SubjectToken {
  readonly accountId: string;
  readonly clientId: string;
  readonly audience: string;
  readonly scopes: ReadonlySet<string>;
  readonly grantId: string;
  readonly sessionUid: string | undefined;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The key or certificate that it is bound to. */
  readonly jkt: string | undefined;
  readonly certificate: string | undefined;
  readonly extra: { readonly acr?: string; readonly amr?: string[]; readonly auth_time?: number; readonly act?: Actor };
}

interface StoredToken {
  readonly accountId?: string;
  readonly clientId?: string;
  readonly aud?: string;
  readonly scope?: string;
  readonly grantId?: string;
  readonly sessionUid?: string;
  readonly exp?: number;
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
  readonly extra?: SubjectToken['extra'];
}

export interface SubjectTokenDependencies {
  readonly issuer: string;
  readonly keys: readonly JWK[];
  readonly adapter: (model: string) => Adapter;
  /** Whether grant, person and session are there and not ended. */
  readonly isGrantLive: (grantId: string, sessionUid: string | null) => Promise<boolean>;
  readonly epochSeconds: () => number;
}

/**
 * Reads tokens that come to be exchanged. A signed token (RFC 9068) says nothing of grant and session, and nobody asks the
 * service when it is used; so that it can be looked up here, what the engine would have stored of an opaque one is kept
 * until it ends. Its identifier opens nothing anywhere else.
 */
export function createSubjectTokens({ issuer, keys, adapter, isGrantLive, epochSeconds }: SubjectTokenDependencies) {
  const records = adapter('SignedAccessToken');
  const verifyingKeys = createLocalJWKSet({ keys: keys.map(publicPart) });

  async function findSigned(value: string): Promise<StoredToken | undefined> {
    let id: string | undefined;
    try {
      const { payload } = await jwtVerify(value, verifyingKeys, {
        issuer,
        typ: 'at+jwt',
        currentDate: new Date(epochSeconds() * 1000),
      });
      id = payload.jti;
    } catch {
      return undefined;
    }
    return id === undefined ? undefined : ((await records.find(id)) as StoredToken | undefined);
  }

  return {
    /** For the engine's `formats.customizers.jwt`. */
    async remember(_ctx: KoaContextWithOIDC, token: unknown): Promise<void> {
      const {
        jti,
        kind,
        expiration,
        resourceServer: _server,
        client: _client,
        ...rest
      } = token as {
        jti: string;
        kind: string;
        expiration: number;
        resourceServer?: unknown;
        client?: unknown;
      } & StoredToken;
      if (kind !== 'AccessToken') return;
      const { accountId, clientId, scope, grantId, sessionUid, jkt, extra } = rest;
      const { aud, 'x5t#S256': certificate } = token as StoredToken;
      const payload = { accountId, clientId, aud, scope, grantId, sessionUid, jkt, extra, 'x5t#S256': certificate };
      const exp = epochSeconds() + expiration;
      await records.upsert(jti, { ...payload, exp }, expiration);
    },

    /** Undefined for whatever is not a living access token of a living person. */
    async find(engine: Provider, value: string): Promise<SubjectToken | undefined> {
      const found = value.includes('.')
        ? await findSigned(value)
        : ((await engine.AccessToken.find(value)) as unknown as StoredToken | undefined);
      if (found === undefined) return undefined;
      const { accountId, clientId, aud, grantId, sessionUid, exp } = found;
      if (accountId === undefined || clientId === undefined || grantId === undefined) return undefined;
      if (typeof aud !== 'string' || exp === undefined || exp <= epochSeconds()) return undefined;
      if (!(await isGrantLive(grantId, sessionUid ?? null))) return undefined;
      return {
        accountId,
        clientId,
        audience: aud,
        scopes: new Set((found.scope ?? '').split(' ').filter((name) => name !== '')),
        grantId,
        sessionUid,
        expiresAt: exp,
        jkt: found.jkt,
        certificate: found['x5t#S256'],
        extra: found.extra ?? {},
      };
    },
  };
}

export type SubjectTokens = ReturnType<typeof createSubjectTokens>;

function publicPart({ kty, crv, x, y, n, e, alg, kid, use }: JWK): JWK {
  const parts = { kty, crv, x, y, n, e, alg, kid, use };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
