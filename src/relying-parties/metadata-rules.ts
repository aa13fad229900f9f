import { InvalidInput } from '../errors.ts';
import { checkTokenExchange, tokenExchangeGrant } from './token-exchange-policy.ts';

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Combinations that each look right and together are not (K15). Throws `InvalidInput` that names the field and says what
 * to do instead.
 */
export function checkCombinations(metadata: Metadata): void {
  const method = metadata['token_endpoint_auth_method'] ?? 'client_secret_basic';
  const grants = (metadata['grant_types'] as string[] | undefined) ?? ['authorization_code', 'refresh_token'];
  const redirects = (metadata['redirect_uris'] as string[] | undefined) ?? [];
  const refuse = (field: string, message: string): never => {
    throw new InvalidInput(field, message);
  };
  if (grants.includes('authorization_code') && redirects.length === 0) {
    refuse('redirect_uris', 'the authorization code needs one redirect address at least');
  }
  if (grants.includes('client_credentials') && method === 'none') {
    refuse('grant_types', 'client_credentials needs a client that authenticates; this one has no method');
  }
  const withoutRefresh = ['client_credentials', 'refresh_token', tokenExchangeGrant];
  const signsIn = grants.some((grant) => !withoutRefresh.includes(grant));
  if (grants.includes('refresh_token') && !signsIn) {
    refuse('grant_types', 'nothing here would answer a refresh token: add authorization_code or the device code');
  }
  const keys = [metadata['jwks'], metadata['jwks_uri']].filter((one) => one !== undefined).length;
  if (keys === 2) refuse('jwks', 'give jwks or jwks_uri, not both');
  if (method === 'self_signed_tls_client_auth' && keys === 0) {
    refuse('jwks', 'self_signed_tls_client_auth needs jwks or jwks_uri, with the certificate as x5c');
  }
  if (method === 'private_key_jwt' && keys === 0) refuse('jwks', 'private_key_jwt needs jwks or jwks_uri');
  for (const field of ['jwks_uri', 'sector_identifier_uri']) {
    const address = metadata[field];
    if (address === undefined) continue;
    if (typeof address !== 'string' || !URL.canParse(address) || new URL(address).protocol !== 'https:') {
      refuse(field, `${field} is an https address`);
    }
  }
  checkPrivateKeys(metadata['jwks']);
  if (metadata['id_token_signed_response_alg'] === 'none') {
    refuse('id_token_signed_response_alg', 'ID tokens are always signed');
  }
  checkSector(metadata, redirects);
  checkTokenExchange(metadata, grants, method);
}

/** A private key in a client's metadata is a key that everybody who may read it has. */
function checkPrivateKeys(jwks: unknown): void {
  if (jwks === undefined) return;
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new InvalidInput('jwks', 'jwks is { "keys": [...] } (RFC 7517)');
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null || 'd' in key || 'k' in key) {
      throw new InvalidInput('jwks', 'jwks holds public keys only');
    }
  }
}

/** OpenID Connect Core section 8.1: hosts that differ need a sector identifier, or the subject would be ambiguous. */
function checkSector(metadata: Metadata, redirects: readonly string[]): void {
  if (metadata['subject_type'] !== 'pairwise' || metadata['sector_identifier_uri'] !== undefined) return;
  const hosts = new Set(redirects.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).host));
  if (hosts.size === 0 || hosts.has('')) {
    throw new InvalidInput('sector_identifier_uri', 'pairwise subjects need a redirect to a host, or it');
  }
  if (hosts.size > 1) {
    throw new InvalidInput('sector_identifier_uri', 'pairwise subjects with redirects to several hosts need it');
  }
}
