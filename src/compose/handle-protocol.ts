import type { IncomingMessage, ServerResponse } from 'node:http';
import { accountClientId, consoleClientId } from '../account/account-session.ts';
import { newToken } from '../crypto/random.ts';
import { Fault, NotFound } from '../errors.ts';
import type { AcrNames } from '../domain/authentication.ts';
import { mayRefreshOneFactor } from '../domain/next-step.ts';
import type { Origin } from '../http/app.ts';
import { networkOf } from '../http/client-address.ts';
import { assertPlainUtf8 } from '../http/forms.ts';
import { createAnsweredMarks } from '../provider/answered-marks.ts';
import { createAdapterFactory } from '../provider/adapter.ts';
import { createProvider, type ProviderOptions } from '../provider/create-provider.ts';
import { ownClientMetadata } from '../provider/own-client-metadata.ts';
import { openIdScopes } from '../provider/resource-servers.ts';
import { checkMetadata } from '../provider/check-metadata.ts';
import { cibaGrant } from '../provider/backchannel-authentication.ts';
import { createTestAddresses } from '../provider/test-sign-in.ts';
import { createLogoutDelivery } from '../provider/logout-delivery.ts';
import { userReadWithToken } from '../provider/read-with-token.ts';
import { requestOrigin } from '../provider/request-origin.ts';
import type { LoadedSigningKeys } from '../provider/manage-signing-keys.ts';
import { hasSecrets } from '../relying-parties/client-secrets.ts';
import type { RelyingParty } from '../relying-parties/relying-party-store.ts';
import { tokenExchangeGrant } from '../relying-parties/token-exchange-policy.ts';
import { markAnswered } from '../storage/postgres/mark-answered.ts';
import { readServiceSecret } from '../storage/postgres/service-secret.ts';
import { createWriteIssued } from '../storage/postgres/issued-store.ts';
import { PostgresRelyingPartyStore } from '../storage/postgres/relying-party-store.ts';
import { PostgresSessionStore } from '../storage/postgres/session-store.ts';
import { PostgresTokenStore } from '../storage/postgres/token-store.ts';
import { PostgresUsedOnceStore } from '../storage/postgres/used-once-store.ts';
import { PostgresUserStore } from '../storage/postgres/user-store.ts';
import { guarded } from '../storage/postgres/database.ts';
import { createBackchannel } from './backchannel.ts';
import { createKnownClients } from './known-clients.ts';
import { createKnownSecrets } from './known-secrets.ts';
import { createRecordExchange } from './record-exchange.ts';
import { methodsOf, protocolPath } from './protocol-paths.ts';
import type { Services } from './services.ts';
import { createSigningKeyWatch } from './signing-key-watch.ts';

export interface ProtocolDependencies {
  readonly services: Services;
  readonly acr: AcrNames;
  readonly secure: boolean;
  readonly prefix: string;
  readonly pages: ProviderOptions['pages'];
  readonly policy: ProviderOptions['policy'];
  readonly isSignInComplete: ProviderOptions['isSignInComplete'];
}

/** Builds the engine over our stores, and the door through which requests reach it. */
export async function createHandleProtocol({
  services,
  acr,
  secure,
  prefix,
  pages,
  policy,
  isSignInComplete,
}: ProtocolDependencies) {
  const { settings, database, clock, records, secretBox, keys } = services;
  const db = database.kysely;
  const users = new PostgresUserStore(db);
  const sessions = new PostgresSessionStore(db);
  const tokens = new PostgresTokenStore(db);
  const relyingParties = new PostgresRelyingPartyStore(db, secretBox);
  const usedOnce = guardAll(new PostgresUsedOnceStore(db));
  const knownClients = createKnownClients(async (clientId) => {
    const found = await guarded(() => relyingParties.find(clientId));
    return found && asEngineMetadata(found, settings);
  });
  const knownSecrets = createKnownSecrets((clientId) => guarded(() => relyingParties.listLiveSecrets(clientId)));
  services.onRecorded((events) => {
    if (!events.some(({ type }) => type.startsWith('relying-party.'))) return;
    knownClients.forget();
    knownSecrets.forget();
  });
  const answeredMarks = createAnsweredMarks((marks) => markAnswered(db, marks), services.logger);
  const writeIssued = createWriteIssued(db, (session) => guarded(() => sessions.save(session)));
  const adapter = createAdapterFactory({
    sessions: guardAll(sessions),
    tokens: guardAll(tokens),
    usedOnce,
    writeIssued,
    records,
    secretBox,
    endReusedGrant: ({ kind, grantId, userId, clientId }) =>
      services.inTransaction(async (stores) => {
        // Of many who come again at once one ends the grant.
        if (!(await stores.tokens.removeGrant(grantId))) return;
        const { address = '', userAgent = '', requestId = '' } = requestOrigin.getStore() ?? {};
        await stores.audit.record({
          type: kind === 'RefreshToken' ? 'token.reused' : 'code.reused',
          actor: `client:${clientId}`,
          target: userId,
          result: 'failure',
          details: { client: clientId, grant: grantId },
          context: { address, userAgent, requestId },
        });
      }),
    sessionIdleSeconds: settings.sessionIdleSeconds,
    epochMilliseconds: () => clock.epochMilliseconds(),
    findClient: async (clientId) => {
      if (clientId === accountClientId) return asEngineMetadata(ownClient(clientId, 'account', settings), settings);
      if (clientId === consoleClientId) return asEngineMetadata(ownClient(clientId, 'admin', settings), settings);
      return knownClients.find(clientId);
    },
  });
  const testAddresses = createTestAddresses(settings.issuer, keys.cookies, () => clock.epochSeconds());
  const build = ({ jwks }: LoadedSigningKeys) => {
    const provider = createProvider({ ...options, jwks: { keys: [...jwks.keys] } });
    // Scheme and host reach the engine from the issuer alone; the door has removed what the request said of them.
    provider.proxy = true;
    const handleRequest = provider.callback() as (req: IncomingMessage, res: ServerResponse) => Promise<void>;
    return { provider, handleRequest };
  };
  const options: Omit<ProviderOptions, 'jwks'> = {
    issuer: settings.issuer,
    fetch: (url, init) => services.outbound.fetch(url as string | URL, init as never),
    adapter,
    cookieKeys: keys.cookies,
    testAddresses,
    findUser: async (id) => userReadWithToken(id) ?? guarded(() => users.find(id)),
    acrNames: acr,
    policy,
    isSignInComplete,
    interactionUrl: (uid) => `${prefix}/interaction/${uid}`,
    pages,
    checkClientSecret: knownSecrets.check,
    readKeptSecrets: settings.clientSecretJwt
      ? (clientId) => guarded(() => relyingParties.listKeptSecrets(clientId))
      : undefined,
    readConsent: (userId, clientId) => guarded(() => tokens.readConsent(userId, clientId)),
    mayRefreshOneFactor: async (userId, clientId) =>
      mayRefreshOneFactor(await services.readSignInFacts({ userId, clientId })),
    onTokenAnswered: answeredMarks.note,
    writeIssued,
    markUsed: (idHash, lifetimeSeconds) => usedOnce.mark('replay', idHash, lifetimeSeconds),
    pairwiseKey: await readServiceSecret(db, secretBox, 'pairwise-subjects'),
    resourceServers: settings.resourceServers,
    authorizationDetailsTypes: settings.authorizationDetailsTypes,
    exchangesTokens: settings.tokenExchange,
    isGrantLive: (grantId, sessionUid) => guarded(() => tokens.isLive(grantId, sessionUid, false)),
    onTokenExchange: createRecordExchange(services.inTransaction),
    requireDpopNonce: settings.requireDpopNonce,
    backchannel: createBackchannel(services),
    metadataDocuments:
      settings.metadataDocumentHosts.length === 0
        ? undefined
        : {
            hosts: settings.metadataDocumentHosts.includes('*') ? 'any' : settings.metadataDocumentHosts,
            // Strangers name the address: nobody may have the service fetch at will, nor from one host without end.
            mayFetch: async (clientId) => {
              const asker = `metadata-document:${networkOf(requestOrigin.getStore()?.address ?? '')}`;
              const asked = `metadata-document-host:${new URL(clientId).host}`;
              const wait = await services.attempts.charge([
                { subject: asker, burst: 20, refillSeconds: 30 },
                { subject: asked, burst: 60, refillSeconds: 10 },
              ]);
              return wait === 0;
            },
          },
    certificates:
      settings.clientCertificateHeader === undefined
        ? undefined
        : { areVerified: settings.clientCertificateVerifiedHeader !== undefined, address: settings.mtlsAddress },
    registers: settings.registration !== 'off',
    onFault: (err, requestId) => services.logger.error({ requestId, err }, 'a request failed'),
    onSessionEnded: async (uid) => {
      await guarded(() => sessions.end(uid, 'sign-out'));
    },
    sessionLifetimeSeconds: settings.sessionLifetimeSeconds,
    clock,
  };
  const first = await services.manageSigningKeys.advance();
  let engine = build(first);

  return {
    /** Where operators' tests of relying parties end. */
    testAddresses,
    /** The engine of this moment; another one takes its place when the signing keys change. */
    provider: () => engine.provider,
    deliverLogout: createLogoutDelivery(() => engine.provider),
    signingKeyWatch: createSigningKeyWatch(
      services.manageSigningKeys,
      first,
      (loaded) => {
        engine = build(loaded);
      },
      services.logger,
    ),
    /** Writes what requests left to be written; to be called when none runs any more. */
    finish: () => answeredMarks.close(),
    /** Throws `InvalidInput` for metadata that the engine would not take when the relying party comes. */
    checkMetadata: (relyingParty: RelyingParty): void =>
      checkMetadata(engine.provider, asEngineMetadata(relyingParty, settings)),
    async handle(ctx: Exchange, origin: Origin) {
      if (!protocolPath.test(ctx.path)) throw new NotFound();
      // The engine would decode by whatever alphabet the request names, and a proxy that looks at bodies would not.
      assertPlainUtf8(ctx.req);
      // The engine answers 404 to a wrong method; the endpoint is there, though (RFC 9110 section 15.5.6).
      const allowed = methodsOf[ctx.path];
      if (allowed !== undefined && ctx.method !== 'OPTIONS' && !allowed.includes(ctx.method)) {
        ctx.set('Allow', allowed.join(', '));
        throw new Fault('method_not_allowed', 405, `this endpoint takes ${allowed.join(' and ')} alone`);
      }
      ctx.req.headers['x-forwarded-proto'] = secure ? 'https' : 'http';
      if (prefix !== '') (ctx.req as { originalUrl?: string }).originalUrl = `${prefix}${ctx.req.url ?? ''}`;
      ctx.respond = false;
      await requestOrigin.run({ ...origin, path: ctx.path }, () => engine.handleRequest(ctx.req, ctx.res));
    },
  };
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly method: string;
  set(field: string, value: string): void;
  respond?: boolean;
}

/** Every method of a store with the database's errors turned into ours. */
function guardAll<Store extends object>(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        guarded(() => (member as (...all: unknown[]) => Promise<unknown>).apply(target, args));
    },
  });
}

/** A surface of ours as a relying party of its own service. */
function ownClient(
  clientId: string,
  surface: 'account' | 'admin',
  { issuer, productName }: Services['settings'],
): RelyingParty {
  return {
    clientId,
    metadata: {
      client_name: productName,
      redirect_uris: [`${issuer}/${surface}/callback`],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    },
    firstParty: true,
    requirePkce: true,
    acrValues: [],
  };
}

const unknowable = newToken();

function asEngineMetadata(
  { clientId, metadata, firstParty, requirePkce }: RelyingParty,
  settings: Services['settings'],
): Record<string, unknown> {
  const scope = typeof metadata['scope'] === 'string' ? metadata['scope'] : '';
  const openId = scope.split(' ').filter((name) => openIdScopes.has(name));
  const registered = (metadata['grant_types'] as string[] | undefined) ?? ['authorization_code', 'refresh_token'];
  // A grant that a setting turned off is no reason to refuse the client everything else.
  const isOn = (grant: string): boolean =>
    (grant !== tokenExchangeGrant || settings.tokenExchange) && (grant !== cibaGrant || settings.ciba);
  const grants = registered.filter(isOn);
  return {
    // A device or a service has no redirect address, and the engine wants none only where no code is answered.
    response_types: grants.includes('authorization_code') ? ['code'] : [],
    ...metadata,
    grant_types: grants,
    client_id: clientId,
    // The engine asks our comparison, or verifies with the secrets that live at that moment; it needs no more than that
    // there is one. Nobody can know this one, so nothing that was signed with it exists.
    ...(hasSecrets(metadata) ? { client_secret: unknowable } : {}),
    scope: openId.length === 0 ? undefined : openId.join(' '),
    [ownClientMetadata.scope]: scope,
    [ownClientMetadata.requirePkce]: requirePkce,
    [ownClientMetadata.firstParty]: firstParty,
  };
}
