import { InvalidInput } from '../errors.ts';

/** FAPI 2.0 Security Profile 5.4.1, of what the service can make and check. */
export const fapiAlgorithms: ReadonlySet<string> = new Set(['PS256', 'ES256', 'EdDSA', 'Ed25519']);

type Metadata = Readonly<Record<string, unknown>>;

/**
 * What a FAPI 2.0 profile (`security` or `message-signing`) makes of a client's metadata: what it demands is set where
 * nothing was said, and what it forbids is refused by its name (Security Profile 5.3.2, Message Signing 5.3 to 5.5).
 * Without `twofold_fapi_profile` the metadata stay as they are. Throws `InvalidInput`.
 */
export function keepToFapiProfile(metadata: Metadata, requirePkce: boolean): Metadata {
  const profile = metadata['twofold_fapi_profile'];
  if (profile === undefined) return metadata;
  if (profile !== 'security' && profile !== 'message-signing') {
    throw new InvalidInput('twofold_fapi_profile', "the FAPI profiles are 'security' and 'message-signing'");
  }
  if (!requirePkce) throw new InvalidInput('require_pkce', 'FAPI needs PKCE');
  const signing = profile === 'message-signing';
  const wanted: Record<string, unknown> = {
    token_endpoint_auth_method: 'private_key_jwt',
    require_pushed_authorization_requests: true,
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
    ...(signing
      ? {
          require_signed_request_object: true,
          request_object_signing_alg: 'ES256',
          authorization_signed_response_alg: 'ES256',
          introspection_signed_response_alg: 'ES256',
        }
      : {}),
    ...metadata,
  };
  const bound =
    wanted['dpop_bound_access_tokens'] === true || wanted['tls_client_certificate_bound_access_tokens'] === true;
  if (!bound) {
    if (wanted['dpop_bound_access_tokens'] === false) {
      throw new InvalidInput('dpop_bound_access_tokens', 'FAPI needs tokens bound to a key');
    }
    wanted['dpop_bound_access_tokens'] = true;
  }
  const methods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
  if (!methods.includes(String(wanted['token_endpoint_auth_method']))) {
    throw new InvalidInput('token_endpoint_auth_method', 'FAPI needs private_key_jwt or a certificate');
  }
  if (
    wanted['jwks'] === undefined &&
    wanted['jwks_uri'] === undefined &&
    wanted['token_endpoint_auth_method'] !== 'tls_client_auth'
  ) {
    throw new InvalidInput('jwks', 'FAPI needs the keys of the client, as jwks or jwks_uri');
  }
  const must = ['require_pushed_authorization_requests', ...(signing ? ['require_signed_request_object'] : [])];
  for (const name of must) {
    if (wanted[name] !== true) throw new InvalidInput(name, `FAPI needs ${name}`);
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (/_sign(?:ing|ed_response)_alg$/.test(name) && !fapiAlgorithms.has(String(value))) {
      throw new InvalidInput(name, `FAPI forbids ${String(value).slice(0, 20)}`);
    }
  }
  for (const uri of (wanted['redirect_uris'] as string[] | undefined) ?? []) {
    if (!uri.startsWith('https:')) throw new InvalidInput('redirect_uris', 'FAPI needs https');
  }
  return wanted;
}
