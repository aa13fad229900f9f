/** The endpoints at the address where the proxy asks for a certificate (RFC 8705 section 5). */
export function mtlsAliases(address: string | undefined): Record<string, unknown> {
  if (address === undefined) return {};
  const aliases = {
    token_endpoint: `${address}/token`,
    revocation_endpoint: `${address}/revoke`,
    introspection_endpoint: `${address}/introspect`,
    pushed_authorization_request_endpoint: `${address}/par`,
    device_authorization_endpoint: `${address}/device/auth`,
    userinfo_endpoint: `${address}/me`,
  };
  return { mtls_endpoint_aliases: aliases };
}

/** A token bound to a key or a certificate is worth nothing to a thief, and need not serve once. */
export function isBound(token: object | undefined): boolean {
  const { jkt, 'x5t#S256': thumbprint } = (token ?? {}) as { readonly jkt?: string; readonly 'x5t#S256'?: string };
  return jkt !== undefined || thumbprint !== undefined;
}
