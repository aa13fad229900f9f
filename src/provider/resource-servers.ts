import { errors, type ResourceServer } from 'oidc-provider';
import { claimsByScope } from './claims.ts';
import { own, textOf } from './own-client-metadata.ts';

/** The scope of the account API. */
export const accountScope = 'account';

const adminAreas = ['users', 'second-factor', 'clients', 'keys', 'audit', 'sessions', 'policy'] as const;
export type AdminArea = (typeof adminAreas)[number];
export type AdminScope = `admin:${AdminArea}` | `admin:${AdminArea}:read`;

/** The scopes of the admin API: each area, and the same for reading alone. */
export const adminScopes: readonly AdminScope[] = adminAreas.flatMap((area): AdminScope[] => [
  `admin:${area}`,
  `admin:${area}:read`,
]);

/** Audiences of the two APIs of the service itself. */
export function accountAudience(issuer: string): string {
  return `${issuer}/account`;
}

export function adminAudience(issuer: string): string {
  return `${issuer}/admin`;
}

/** Scopes of OpenID Connect; all others belong to a resource server (RFC 8707) and mean nothing without one. */
export const openIdScopes: ReadonlySet<string> = new Set(['openid', 'offline_access', ...Object.keys(claimsByScope)]);

/** An API of the operator's own: it checks signed tokens by itself (RFC 9068), or asks about opaque ones (RFC 7662). */
export interface RegisteredResourceServer {
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly format: 'jwt' | 'opaque';
  /** What its signed tokens are signed with. */
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  /** Seconds that its tokens live: nobody can take a signed one back, so 300 at most. */
  readonly ttl: number;
  /** The client that is this API, and may introspect every token made for it. */
  readonly client?: string | undefined;
}

/** What the registration of a client says of the scopes it may ask for. */
export interface RegisteredScopes {
  /** The `scope` of RFC 7591; '' where it names none. */
  readonly scope: string;
  readonly firstParty: boolean;
}

/**
 * The resource servers that are part of the service: opaque tokens, looked up at every call. What reaches accounts and
 * operators is nobody's by default: a client may ask for the scopes its registration names; a first-party one that
 * names none may ask for the account API. Throws `invalid_target` (RFC 8707 section 2) otherwise, and for any other
 * address.
 */
export function createResourceServerInfo(issuer: string, registered: readonly RegisteredResourceServer[]) {
  const [account, admin] = [accountAudience(issuer), adminAudience(issuer)];
  const scopesOf = (resource: string): readonly string[] => {
    if (resource === account) return [accountScope];
    return registered.find(({ audience }) => audience === resource)?.scopes ?? adminScopes;
  };
  return (resource: string, { scope, firstParty }: RegisteredScopes): ResourceServer => {
    const ofOperator = registered.find(({ audience }) => audience === resource);
    if (resource !== account && resource !== admin && ofOperator === undefined) {
      throw new errors.InvalidTarget('there is no such resource server');
    }
    const asked = new Set(scope === '' && firstParty ? [accountScope] : scope.split(' '));
    const allowed = scopesOf(resource).filter((name) => asked.has(name));
    if (allowed.length === 0) {
      throw new errors.InvalidTarget('the registration of this client names no scope of this resource server');
    }
    if (ofOperator === undefined) return { scope: allowed.join(' '), audience: resource, accessTokenFormat: 'opaque' };
    const { format, alg, ttl } = ofOperator;
    const all = { scope: allowed.join(' '), audience: resource, accessTokenTTL: ttl };
    if (format === 'opaque') return { ...all, accessTokenFormat: 'opaque' };
    return { ...all, accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
  };
}

/** The operator's own APIs alone: nothing that is exchanged reaches accounts or operators. */
export function createOperatorsApi(issuer: string, registered: readonly RegisteredResourceServer[]) {
  const info = createResourceServerInfo(issuer, registered);
  return (audience: string, client: object): ResourceServer => {
    if (audience === accountAudience(issuer) || audience === adminAudience(issuer)) {
      throw new errors.InvalidTarget('nothing is exchanged for the service itself');
    }
    return info(audience, { scope: textOf(own(client, 'scope')), firstParty: false });
  };
}

/** Whether a client may introspect a token: its own, or one made for the API that it is (RFC 7662 section 4). */
export function mayIntrospect(
  registered: readonly RegisteredResourceServer[],
  clientId: string,
  token: { readonly clientId?: string; readonly aud?: string },
): boolean {
  if (token.clientId === clientId) return true;
  return registered.some(({ audience, client }) => client === clientId && audience === token.aud);
}

/** How a consent to a scope of a resource server is remembered: the same word may mean another thing at another one. */
export function consentName(scope: string, resource?: string): string {
  return resource === undefined ? scope : `${resource} ${scope}`;
}

/** The scope of a remembered consent, and whose it is. */
export function readConsentName(name: string): { readonly scope: string; readonly resource?: string } {
  const [first = '', second] = name.split(' ');
  return second === undefined ? { scope: first } : { scope: second, resource: first };
}
