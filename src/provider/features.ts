import { createHash } from 'node:crypto';
import { errors, type ClientMetadata, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { fapiAlgorithms } from '../relying-parties/fapi-profile.ts';
import { isDocumentAcceptable, isHostAllowed } from './metadata-documents.ts';
import { own, textOf } from './own-client-metadata.ts';
import { createCiba } from './backchannel-authentication.ts';
import { subjectMatches } from './certificate-subject.ts';
import { requestOrigin } from './request-origin.ts';
import type { ProviderOptions } from './create-provider.ts';
import { anonymousSessionSeconds, keepDeviceSession } from './device-session.ts';
import { createResourceServerInfo, mayIntrospect } from './resource-servers.ts';

type Features = NonNullable<Configuration['features']>;

/** Signatures the service takes of clients; no shared secrets where a public key can be asked for. */
const acceptedAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** What the service signs with; there is a key of each (see `signing-key.ts`). */
const ourAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const;

/** How clients may prove who they are. */
export function authMethods({
  readKeptSecrets,
  certificates,
}: ProviderOptions): NonNullable<Configuration['clientAuthMethods']> {
  const always = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;
  return [
    ...always,
    ...(readKeptSecrets === undefined ? [] : (['client_secret_jwt'] as const)),
    ...(certificates === undefined ? [] : (['self_signed_tls_client_auth'] as const)),
    ...(certificates?.areVerified === true ? (['tls_client_auth'] as const) : []),
  ];
}

export const enabledAlgorithms = ({ readKeptSecrets }: ProviderOptions) =>
  ({
    clientAuthSigningAlgValues: [...acceptedAlgorithms, ...(readKeptSecrets === undefined ? [] : (['HS256'] as const))],
    requestObjectSigningAlgValues: [...acceptedAlgorithms],
    dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'PS256'],
    idTokenSigningAlgValues: [...ourAlgorithms],
    userinfoSigningAlgValues: [...ourAlgorithms],
    introspectionSigningAlgValues: [...ourAlgorithms],
    authorizationSigningAlgValues: [...ourAlgorithms],
  }) satisfies Configuration['enabledJWA'];

/** What is on, and by which setting. */
export function createFeatures(options: ProviderOptions): Features {
  const resourceServerInfo = createResourceServerInfo(options.issuer, options.resourceServers);
  return {
    devInteractions: { enabled: false },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: async (ctx, form, _out, error) => {
        if (error !== undefined) await keepDeviceSession(ctx, anonymousSessionSeconds);
        await options.pages.deviceInput(ctx, form, error);
      },
      userCodeConfirmSource: async (ctx, form, _client, _info, userCode) =>
        options.pages.deviceConfirm(ctx, form, userCode),
      successSource: async (ctx) => options.pages.deviceDone(ctx),
    },
    clientCredentials: { enabled: true },
    dPoP: {
      enabled: true,
      // Every replica must know a nonce that another one gave.
      nonceSecret: createHash('sha256').update(`dpop nonce:${options.cookieKeys[0]}`).digest(),
      requireNonce: () => options.requireDpopNonce,
    },
    introspection: {
      enabled: true,
      allowedPolicy: async (_ctx, client, token) =>
        client.clientAuthMethod !== 'none' &&
        mayIntrospect(options.resourceServers, client.clientId, token as { clientId?: string; aud?: string }),
    },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    encryption: { enabled: true },
    ciba: createCiba(options.backchannel),
    clientIdMetadataDocument: {
      ack: 'draft-02',
      enabled: options.metadataDocuments !== undefined,
      allowFetch: async (_ctx, clientId) => {
        const { metadataDocuments: documents } = options;
        return (
          documents !== undefined && isHostAllowed(documents.hosts, clientId) && (await documents.mayFetch(clientId))
        );
      },
      allowClient: async (_ctx, client) => isDocumentAcceptable(client.clientId, client),
      cacheDuration: { min: 60, max: 3600 },
    },
    // The certificate reaches us from the trusted proxy alone; the door took the header from everybody else.
    mTLS: {
      enabled: options.certificates !== undefined,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: options.certificates?.areVerified === true,
      getCertificate: () => requestOrigin.getStore()?.certificate?.certificate,
      certificateAuthorized: () => requestOrigin.getStore()?.certificate?.isVerified === true,
      certificateSubjectMatches: (_ctx, parameter, expected) => {
        const certificate = requestOrigin.getStore()?.certificate?.certificate;
        return certificate !== undefined && subjectMatches(certificate, parameter, expected);
      },
    },
    revocation: {
      enabled: true,
      // Who holds a token of somebody else's ends nothing with it (RFC 7009 section 2.1).
      allowedPolicy: async (_ctx, client, token) => (token as { clientId?: string }).clientId === client.clientId,
    },
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: {
      enabled: true,
      assertJwtClaimsAndHeader: async (ctx, claims, header) =>
        assertFapiRequest(ctx, claims, header, options.clock.epochSeconds()),
    },
    fapi: { enabled: true, profile: (_ctx, client) => (isFapi(client) ? '2.0' : undefined) },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => options.pages.logout(ctx, form),
      postLogoutSuccessSource: async (ctx) => options.pages.loggedOut(ctx),
    },
    userinfo: { enabled: true },
    claimsParameter: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Who asks for no resource gets a token for the userinfo endpoint, and nothing else takes it.
      defaultResource: (_ctx, _client, oneOf) => oneOf,
      getResourceServerInfo: (_ctx, resource, client) =>
        resourceServerInfo(resource, {
          scope: textOf(own(client, 'scope')),
          firstParty: own(client, 'firstParty') === true,
        }),
      useGrantedResource: () => false,
    },
  };
}

function isFapi(client: object | undefined): boolean {
  return client !== undefined && own(client, 'fapiProfile') !== undefined;
}

/** A request object of a FAPI client: short, dated, and signed as the profile allows (FAPI 2.0 Message Signing 5.3.1). */
function assertFapiRequest(
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
  now: number,
): void {
  if (!isFapi(ctx.oidc.client)) return;
  const { exp, nbf, aud } = claims;
  if (typeof exp !== 'number' || typeof nbf !== 'number' || aud === undefined) {
    throw new errors.InvalidRequestObject('a request object must say exp, nbf and aud');
  }
  if (exp <= nbf || exp - nbf > 3600) {
    throw new errors.InvalidRequestObject('a request object lives for at most 60 minutes');
  }
  if (nbf < now - 3600) throw new errors.InvalidRequestObject('a request object begins within the hour');
  // The engine keeps a plain pushed request as an object of its own making, unsigned; from outside it takes none such.
  if (header['alg'] !== 'none' && !fapiAlgorithms.has(String(header['alg']))) {
    throw new errors.InvalidRequestObject('alg mismatch');
  }
}

/**
 * The audience of a client's assertion: the issuer as a text for FAPI clients, else the issuer or the token endpoint
 * (RFC 7523 section 3), so that one made for another server or endpoint is worth nothing here.
 */
export async function assertClientAssertion(
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
): Promise<void> {
  const { issuer } = ctx.oidc;
  if (isFapi(ctx.oidc.client)) {
    if (claims['aud'] !== issuer) throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier');
    if (!fapiAlgorithms.has(String(header['alg']))) throw new errors.InvalidClientAuth('alg mismatch');
    return;
  }
  // Whoever else verifies it knows the secret, so it is made for nobody but us.
  if (ctx.oidc.client?.clientAuthMethod === 'client_secret_jwt' && claims['aud'] !== issuer) {
    throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier');
  }
  const audiences = [claims['aud']].flat();
  const accepted = [issuer, `${issuer}/token`];
  if (audiences.length !== 1 || !accepted.includes(String(audiences[0]))) {
    throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier or the token endpoint');
  }
}

/** Origins whose scripts may call for a client: those it names, else where a public client's answers are sent. */
export function allowedOrigin(_ctx: unknown, origin: string, client: ClientMetadata & object): boolean {
  if (origin === 'null') return false;
  const named = own(client, 'corsOrigins');
  if (Array.isArray(named)) return named.includes(origin);
  const { clientAuthMethod, redirectUris = [] } = client as { clientAuthMethod?: string; redirectUris?: string[] };
  return clientAuthMethod === 'none' && redirectUris.some((uri) => URL.parse(uri)?.origin === origin);
}
