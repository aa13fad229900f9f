/** What is ours in a client's metadata, beside RFC 7591. */
export const ownClientMetadata = {
  requirePkce: 'twofold_require_pkce',
  firstParty: 'twofold_first_party',
  /** The whole registered `scope`; the engine's own field takes scopes of OpenID Connect alone. */
  scope: 'twofold_scope',
  /** `security` or `message-signing`: the client keeps to FAPI 2.0. */
  fapiProfile: 'twofold_fapi_profile',
  /** What it may exchange (RFC 8693); see `token-exchange-policy.ts`. */
  tokenExchange: 'twofold_token_exchange',
  /** Origins whose scripts may call the token and userinfo endpoints for it. */
  corsOrigins: 'allowed_cors_origins',
} as const;

export function own(client: object, name: keyof typeof ownClientMetadata): unknown {
  return (client as Record<string, unknown>)[ownClientMetadata[name]];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
