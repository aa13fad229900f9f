import type { KoaContextWithOIDC } from 'oidc-provider';
import { own } from './own-client-metadata.ts';
import { consentName } from './resource-servers.ts';

export interface GrantOptions {
  /** Whether the session of this request has nothing more to prove for it. */
  readonly isSignInComplete: (ctx: KoaContextWithOIDC) => Promise<boolean>;
  readonly readConsent: (userId: string, clientId: string) => Promise<readonly string[]>;
}

/**
 * The grant of this session and client, or a new one from a remembered consent or for a first-party client. It runs
 * before the prompts, so nothing is granted to a session that still has something to prove.
 */
export async function loadGrant(ctx: KoaContextWithOIDC, options: GrantOptions) {
  const { oidc } = ctx;
  const clientId = oidc.client?.clientId;
  const accountId = oidc.session?.accountId;
  if (oidc.client === undefined || clientId === undefined || accountId === undefined || oidc.session === undefined)
    return undefined;
  const grantId = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(clientId);
  if (grantId !== undefined) {
    const grant = await oidc.provider.Grant.find(grantId);
    if (grant !== undefined && grant.accountId === accountId && grant.clientId === clientId) return grant;
  }
  if (!(await options.isSignInComplete(ctx))) return undefined;
  const isFirstParty = own(oidc.client, 'firstParty') === true;
  const remembered = isFirstParty ? [] : await options.readConsent(accountId, clientId);
  const allowed = (scope: string, resource?: string): boolean =>
    isFirstParty || remembered.includes(consentName(scope, resource));
  const grant = new oidc.provider.Grant({ accountId, clientId });
  const openId = [...oidc.requestParamOIDCScopes].filter((scope) => allowed(scope));
  if (openId.length > 0) grant.addOIDCScope(openId.join(' '));
  const asked = [...oidc.requestParamScopes];
  const servers = oidc.resourceServers as Readonly<Record<string, { readonly scopes: ReadonlySet<string> }>>;
  const ofServers = Object.entries(servers).map(([resource, { scopes }]) => ({
    resource,
    scopes: asked.filter((scope) => scopes.has(scope) && allowed(scope, resource)),
  }));
  for (const { resource, scopes } of ofServers)
    if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '));
  if (openId.length === 0 && ofServers.every(({ scopes }) => scopes.length === 0)) return undefined;
  await grant.save();
  return grant;
}
