import { Provider, type Adapter, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import type { JWK } from 'jose';
import type { Clock } from '../clock.ts';
import { hashToken } from '../crypto/random.ts';
import { createSignatures } from '../crypto/signatures.ts';
import { answeredAcr, namesOf, type AcrNames } from '../domain/authentication.ts';
import type { AuthorizationDetailsType } from '../config/authorization-details.ts';
import type { User } from '../domain/user.ts';
import { askedAcr } from './asked-acr.ts';
import {
  announceFromOutbox,
  backchannelLifetime,
  type BackchannelAuthentication,
} from './backchannel-authentication.ts';
import { accountOf, accountReadLater, claimsByScope } from './claims.ts';
import { withAuthorizationDetails } from './authorization-details.ts';
import { sendLogoutTokensFromOutbox } from './logout-delivery.ts';
import { isBound, mtlsAliases } from './mutual-tls.ts';
import type { MetadataDocumentHosts } from './metadata-documents.ts';
import { isRefreshRefused } from './refresh-policy.ts';
import { anonymousSessionSeconds } from './device-session.ts';
import { allowedOrigin, assertClientAssertion, createFeatures, authMethods, enabledAlgorithms } from './features.ts';
import { allowFormPost } from './form-post.ts';
import { issuingOfRequest, writeBeforeAnswering } from './issuing.ts';
import { own, ownClientMetadata } from './own-client-metadata.ts';
import { continueRotations } from './refresh-rotation.ts';
import { createPairwiseSubject, rememberSubjects, sectorOf } from './pairwise-subject.ts';
import type { RegisteredResourceServer } from './resource-servers.ts';
import type { AnsweredMark } from './stores.ts';
import { allowTestAddresses, type TestAddresses } from './test-sign-in.ts';
import { verifyWithKeptSecrets } from './secret-assertions.ts';
import { createSubjectTokens } from './subject-tokens.ts';
import { tellOfFaults, type OnFault } from './tell-of-faults.ts';
import { delegationOf, type ExchangeOutcome } from './token-exchange.ts';
import { exchangeTokens } from './exchange-tokens.ts';
import { loadGrant } from './load-grant.ts';
import { useIdentifiersOnce, type MarkUsed } from './single-use.ts';
import type { WriteIssued } from './stores.ts';

export interface ProviderPages {
  error(ctx: KoaContextWithOIDC, out: { error: string; error_description?: string }, error: Error): Promise<void>;
  /** Asks whether to sign out; `form` is the engine's form, to which the page's buttons belong by its id. */
  logout(ctx: KoaContextWithOIDC, form: string): Promise<void>;
  loggedOut(ctx: KoaContextWithOIDC): Promise<void>;
  deviceInput(ctx: KoaContextWithOIDC, form: string, error: Error | undefined): Promise<void>;
  deviceConfirm(ctx: KoaContextWithOIDC, form: string, userCode: string): Promise<void>;
  deviceDone(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface ProviderOptions {
  readonly issuer: string;
  /** The guarded way out to addresses that clients wrote. */
  readonly fetch: NonNullable<Configuration['fetch']>;
  readonly adapter: (model: string) => Adapter;
  readonly jwks: { keys: JWK[] };
  readonly cookieKeys: readonly string[];
  /** Where operators' tests of relying parties end. */
  readonly testAddresses: TestAddresses;
  /** The person, unless disabled or gone. */
  readonly findUser: (id: string) => Promise<User | undefined>;
  readonly acrNames: AcrNames;
  /** Whether the session of this request has nothing more to prove for it. */
  readonly isSignInComplete: (ctx: KoaContextWithOIDC) => Promise<boolean>;
  readonly policy: NonNullable<NonNullable<Configuration['interactions']>['policy']>;
  readonly interactionUrl: (uid: string) => string;
  readonly pages: ProviderPages;
  /** Whether a presented secret is one of the client's live ones. */
  readonly checkClientSecret: (clientId: string, secret: string) => Promise<boolean>;
  /** The live secrets of a client that signs with them; undefined where no client may. */
  readonly readKeptSecrets: ((clientId: string) => Promise<readonly string[]>) | undefined;
  readonly readConsent: (userId: string, clientId: string) => Promise<readonly string[]>;
  /** Whether a refresh token that only a password earned may still be used by that client. */
  readonly mayRefreshOneFactor: (userId: string, clientId: string) => Promise<boolean>;
  /** Told of every session that ends through the engine. */
  readonly onFault: OnFault;
  readonly onSessionEnded: (uid: string) => Promise<void>;
  /** Told which code or rotated refresh token was just redeemed, before the tokens leave; they wait for nothing. */
  readonly onTokenAnswered: (mark: AnsweredMark) => void;
  readonly markUsed: MarkUsed;
  /** Writes what an answer of the authorization endpoint leaves behind. */
  readonly writeIssued: WriteIssued;
  /** Derives the subjects of pairwise clients; the same for ever. */
  readonly pairwiseKey: Buffer;
  /** Operators' own APIs. */
  readonly resourceServers: readonly RegisteredResourceServer[];
  /** Types of rich authorization requests that the operator registered. */
  readonly authorizationDetailsTypes: readonly AuthorizationDetailsType[];
  /** Whether tokens may be exchanged (RFC 8693). */
  readonly exchangesTokens: boolean;
  /** Whether grant, person and session are there and not ended. */
  readonly isGrantLive: (grantId: string, sessionUid: string | null) => Promise<boolean>;
  /** Told of each exchange that was asked for, before its answer leaves. */
  readonly onTokenExchange: (outcome: ExchangeOutcome) => Promise<void>;
  readonly requireDpopNonce: boolean;
  /** Asking people who are elsewhere (CIBA); undefined: not done. */
  readonly backchannel: BackchannelAuthentication | undefined;
  /** Whose client id metadata documents are read; undefined: nobody's. */
  readonly metadataDocuments:
    { readonly hosts: MetadataDocumentHosts; readonly mayFetch: (clientId: string) => Promise<boolean> } | undefined;
  /** What may be done with clients' certificates (RFC 8705); undefined: nothing. */
  readonly certificates: { readonly areVerified: boolean; readonly address: string | undefined } | undefined;
  /** Whether clients may register themselves; the endpoint is our own, the metadata say where. */
  readonly registers: boolean;
  readonly sessionLifetimeSeconds: number;
  readonly clock: Clock;
}

const day = 86_400;

/** The engine, configured. It is built anew when signing keys change; nobody may keep a reference. */
export function createProvider(options: ProviderOptions): Provider {
  const secure = options.issuer.startsWith('https:');
  const { clock } = options;
  const subjectAt = createPairwiseSubject(options.pairwiseKey);
  const subjectTokens = createSubjectTokens({
    ...options,
    keys: options.jwks.keys,
    epochSeconds: () => clock.epochSeconds(),
  });
  const provider = new Provider(options.issuer, {
    adapter: options.adapter as never,
    jwks: options.jwks as never,
    acrValues: new Set(options.acrNames.supported),
    claims: claimsByScope,
    scopes: ['openid', 'offline_access'],
    clientAuthMethods: authMethods(options),
    cookies: {
      // Its own compare two signatures by signing both anew, which costs twenty times as much, and by SHA-1.
      keys: createSignatures(options.cookieKeys, 'engine-cookie'),
      names: secure
        ? {
            session: '__Host-twofold-session',
            interaction: '__Secure-twofold-interaction',
            resume: '__Secure-twofold-resume',
          }
        : { session: 'twofold-session', interaction: 'twofold-interaction', resume: 'twofold-resume' },
      long: { httpOnly: true, sameSite: 'lax', path: '/', secure, signed: true, overwrite: true },
      short: { httpOnly: true, sameSite: 'lax', secure, signed: true, overwrite: true },
    },
    fetch: options.fetch,
    features: withAuthorizationDetails(createFeatures(options), options.authorizationDetailsTypes),
    discovery: {
      ...(options.registers ? { registration_endpoint: `${options.issuer}/register` } : {}),
      ...mtlsAliases(options.certificates?.address),
    },
    enabledJWA: enabledAlgorithms(options),
    assertJwtClientAuthClaimsAndHeader: assertClientAssertion as never,
    clientBasedCORS: allowedOrigin as never,
    findAccount: async (ctx, id, token) => {
      // Whoever proved to be somebody is looked at when what is issued is written.
      if (issuingOfRequest()?.proven?.userId === id) return accountReadLater(id, () => options.findUser(id));
      const user = await options.findUser(id);
      if (user === undefined || user.disabledAt !== null) return undefined;
      return (await isRefreshRefused(ctx, id, token, options)) ? undefined : accountOf(user);
    },
    interactions: { policy: options.policy, url: (_ctx, interaction) => options.interactionUrl(interaction.uid) },
    loadExistingGrant: async (ctx) => loadGrant(ctx, options),
    extraClientMetadata: { properties: Object.values(ownClientMetadata) },
    expiresWithSession: () => false,
    // A resource server judges what was proven when the token was issued, not what the session proved since (RFC 9470
    // sections 6.1 and 6.2).
    extraTokenClaims: (ctx, token) => delegationOf(token) ?? proofOf(ctx),
    ...(options.exchangesTokens ? { formats: { customizers: { jwt: subjectTokens.remember } } } : {}),
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (code.scopes.has('offline_access') || (client.applicationType === 'web' && client.clientAuthMethod === 'none')),
    // Public clients cannot prove who they are, so each of their refresh tokens serves once (RFC 9700 section 2.2.2).
    rotateRefreshToken: (ctx) =>
      ctx.oidc.client?.clientAuthMethod === 'none' && !isBound(ctx.oidc.entities.RefreshToken),
    pkce: {
      required: (_ctx, client) => client.clientAuthMethod === 'none' || own(client, 'requirePkce') !== false,
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    conformIdTokenClaims: true,
    clockTolerance: 10,
    renderError: async (ctx, out, error) => options.pages.error(ctx, out, error),
    responseTypes: ['code'],
    revokeGrantPolicy: () => true,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: async (_ctx, accountId, client) => subjectAt(accountId, sectorOf(client)),
    routes: {
      authorization: '/auth',
      backchannel_authentication: '/backchannel',
      code_verification: '/device',
      device_authorization: '/device/auth',
      end_session: '/logout',
      introspection: '/introspect',
      jwks: '/jwks',
      pushed_authorization_request: '/par',
      registration: '/register',
      revocation: '/revoke',
      token: '/token',
      userinfo: '/me',
    },
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 3600,
      AuthorizationCode: 60,
      BackchannelAuthenticationRequest: (_ctx, request) => backchannelLifetime(request),
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 600,
      DeviceCode: 600,
      Grant: 30 * day,
      IdToken: 3600,
      Interaction: 3600,
      PushedAuthorizationRequest: 60,
      RefreshToken: (_ctx, token) => {
        // The family's end is fixed by its first token, however often it is used.
        const started = (token as { iiat?: number }).iiat;
        return started === undefined ? 14 * day : Math.max(1, started + 14 * day - clock.epochSeconds());
      },
      Session: (_ctx, session) =>
        session.accountId === undefined
          ? anonymousSessionSeconds
          : Math.max(1, (session.loginTs ?? 0) + options.sessionLifetimeSeconds - clock.epochSeconds()),
    },
  } satisfies Configuration);

  allowCachingOfMetadata(provider);
  allowFormPost(provider);
  tellOfFaults(provider, options.onFault);
  writeBeforeAnswering(provider, options.writeIssued, options.pages.error);
  useIdentifiersOnce(provider, options.markUsed, () => clock.epochSeconds());
  continueRotations(provider);
  markAnsweredRedemptions(provider, options);
  answerAcrByTheNameAsked(provider, options.acrNames);
  compareHashedSecrets(provider, options.checkClientSecret);
  recordSessionEnds(provider, options.onSessionEnded);
  sendLogoutTokensFromOutbox(provider);
  rememberSubjects(provider, subjectAt);
  if (options.readKeptSecrets !== undefined) verifyWithKeptSecrets(provider, options.readKeptSecrets);
  if (options.exchangesTokens) exchangeTokens(provider, options, subjectTokens);
  announceFromOutbox(provider, options.backchannel);
  allowTestAddresses(provider, options.testAddresses);
  return provider;
}

function proofOf(ctx: KoaContextWithOIDC | undefined): Record<string, unknown> | undefined {
  const { AuthorizationCode, RefreshToken, DeviceCode } = (ctx?.oidc?.entities ?? {}) as Record<
    string,
    { acr?: string; amr?: string[]; authTime?: number } | undefined
  >;
  const source = AuthorizationCode ?? RefreshToken ?? DeviceCode;
  if (source?.acr === undefined) return undefined;
  return { acr: source.acr, amr: source.amr, auth_time: source.authTime };
}

/** How long anyone may keep the keys and the metadata; a new signing key is published at least this long ahead. */
const metadataCacheSeconds = 300;

function allowCachingOfMetadata(provider: Provider): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next();
    const route = ctx.oidc?.route;
    if (ctx.status === 200 && (route === 'jwks' || route === 'discovery')) {
      ctx.set('Cache-Control', `public, max-age=${metadataCacheSeconds}`);
    }
  });
}

/** Whatever arrives after this moment with the same code is a reuse; what came before it lost a race. */
function markAnsweredRedemptions(provider: Provider, { onTokenAnswered, clock }: ProviderOptions): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next();
    if (ctx.oidc?.route !== 'token' || ctx.status !== 200) return;
    const { AuthorizationCode, RotatedRefreshToken } = ctx.oidc.entities;
    const at = clock.now();
    if (AuthorizationCode !== undefined)
      onTokenAnswered({ kind: 'AuthorizationCode', idHash: hashToken(AuthorizationCode.jti), at });
    if (RotatedRefreshToken !== undefined)
      onTokenAnswered({ kind: 'RefreshToken', idHash: hashToken(RotatedRefreshToken.jti), at });
  });
}

/** The engine answers the session's `acr`; a client that asked by another name for the same gets that name. */
function answerAcrByTheNameAsked(provider: Provider, names: AcrNames): void {
  const context = (provider as unknown as { OIDCContext: { prototype: object } }).OIDCContext.prototype;
  Object.defineProperty(context, 'acr', {
    configurable: true,
    get(this: KoaContextWithOIDC['oidc']) {
      return answeredAcr(names, this.session?.acr, namesOf(askedAcr(this.params)));
    },
  });
}

function compareHashedSecrets(provider: Provider, check: ProviderOptions['checkClientSecret']): void {
  const client = provider.Client.prototype as unknown as { compareClientSecret: unknown };
  client.compareClientSecret = async function compare(this: { clientId: string }, actual: string) {
    return check(this.clientId, actual);
  };
}

/** The event of the engine is not awaited, and the adapter cannot tell an end from a rotation. */
function recordSessionEnds(provider: Provider, onEnded: (uid: string) => Promise<void>): void {
  const session = provider.Session.prototype as unknown as { uid: string; destroy(): Promise<void> };
  const destroy = session.destroy;
  session.destroy = async function end(this: { uid: string }) {
    await onEnded(this.uid);
    await destroy.call(this);
  };
}
