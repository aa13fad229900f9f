import { setTimeout as sleep } from 'node:timers/promises';
import { adminApiRouter } from './admin/api/api-router.ts';
import { consoleRoutes } from './admin/console/routes.ts';
import { accountApiRoutes } from './account/api/routes.ts';
import { accountRoutes } from './account/routes.ts';
import { linkRoutes } from './account/link-routes.ts';
import { createResetByLink } from './account/reset-by-link.ts';
import { resetRoutes } from './account/reset-routes.ts';
import { createSetupByLink } from './account/setup-by-link.ts';
import { strengthRoute } from './account/strength-route.ts';
import { setupRoutes } from './account/setup-routes.ts';
import { registrationRoutes } from './registration/routes.ts';
import { createSelfRegistration } from './relying-parties/self-registration.ts';
import { openIdScopes } from './provider/resource-servers.ts';
import { createConsoleServices } from './compose/console-services.ts';
import { createAdminServices } from './compose/admin-services.ts';
import { createAccountServices } from './compose/account-services.ts';
import { createBackground } from './compose/background.ts';
import { createHandleProtocol } from './compose/handle-protocol.ts';
import { createInteractionServices } from './compose/interaction-services.ts';
import { createOperations } from './compose/operations.ts';
import { openServices, type ServiceOptions } from './compose/services.ts';
import { createReadFacts } from './compose/trusted-browser-cookie.ts';
import { newId } from './crypto/random.ts';
import { shortestAlone, shortestWithSecondFactor } from './domain/password-policy.ts';
import { createApp, createHttpServer, type Origin } from './http/app.ts';
import type { PageContext } from './http/views.ts';
import { createClientAddress } from './http/client-address.ts';
import { createCookieJar } from './http/cookies.ts';
import { createCsrf } from './http/csrf.ts';
import { listen } from './http/listen.ts';
import { createPrompts, createSessionJudge } from './interaction/prompts.ts';
import { systemClock } from './clock.ts';
import { createPingDelivery } from './compose/backchannel.ts';
import { createBrandedViews } from './compose/branded-views.ts';
import { createRecordForged } from './compose/record-forged.ts';
import { createSignatures } from './crypto/signatures.ts';
import { createProviderPages } from './interaction/provider-pages.ts';
import { interactionRoutes } from './interaction/routes.ts';
import { drain } from './operations/drain.ts';

/** The service, composed and ready to listen. */
export interface Composed {
  readonly services: Awaited<ReturnType<typeof openServices>>;
  /** Brings this replica's engine to the signing keys as they are; it does so by itself every 15 seconds. */
  readonly lookAtSigningKeys: () => Promise<void>;
  /** Answers the port in use, which differs from the setting where that is 0. */
  listen(): Promise<number>;
  /**
   * Says "not ready", goes on for `drainSeconds` (none by default) so that a load balancer notices, stops taking requests,
   * lets the running ones end, closes the stores.
   */
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
}

/** The one composition root: names on the left, implementations on the right. */
export async function compose(options: ServiceOptions): Promise<Composed> {
  const { settings, logger } = options;
  const issuer = new URL(settings.issuer);
  const secure = issuer.protocol === 'https:';
  const prefix = issuer.pathname.replace(/\/$/, '');
  // Before anything is opened: what the settings name may not be there.
  const views = createBrandedViews(settings, options.clock ?? systemClock, prefix);
  const services = await openServices(options);
  const { clock, keys } = services;
  const operations = createOperations(services);
  const csrf = createCsrf(createSignatures(keys.cookies, 'csrf'), issuer.origin);
  const cookies = createCookieJar(secure, createSignatures(keys.cookies, 'cookie'));
  const acr = services.acrNames;
  const judge = createSessionJudge({ acrNames: acr, readFacts: createReadFacts(services, cookies) });
  const protocol = await createHandleProtocol({
    services,
    acr,
    secure,
    prefix,
    pages: createProviderPages(views, prefix),
    policy: createPrompts(judge),
    isSignInComplete: async (ctx) => (await judge(ctx)) === 'complete',
  });
  const requestContext = (ctx: { readonly state: unknown }) => {
    const { requestId, address, userAgent } = (ctx.state as { origin: Origin }).origin;
    return { requestId, address, userAgent };
  };
  /** Of pages that people read for themselves; an operator's language is not that of the person concerned. */
  const personsContext = (ctx: PageContext & { readonly state: unknown }) => ({
    ...requestContext(ctx),
    locale: views.languageOf(ctx).tag,
  });
  const interaction = createInteractionServices({
    services,
    views,
    csrf,
    cookies,
    requestContext: personsContext,
    provider: protocol.provider,
  });
  const account = createAccountServices({
    services,
    views,
    csrf,
    cookies,
    requestContext: personsContext,
    prefix,
    acr,
    provider: protocol.provider,
  });
  const admin = createAdminServices({ services, protocol, acr });
  const setup = createSetupByLink(services);
  const leastLengthFor = async (userId: string) =>
    (await services.hasSecondFactor(userId)) ? shortestWithSecondFactor : shortestAlone;
  const app = createApp({
    issuer: settings.issuer,
    logger,
    views,
    clientAddress: createClientAddress(settings.trustedProxies),
    certificateHeaders:
      settings.clientCertificateHeader === undefined
        ? undefined
        : { certificate: settings.clientCertificateHeader, verified: settings.clientCertificateVerifiedHeader },
    routers: [
      interactionRoutes(interaction),
      registrationRoutes({
        issuer: settings.issuer,
        registration: createSelfRegistration({
          acrNames: acr,
          inTransaction: services.inTransaction,
          mode: settings.registration,
          freeScopes: openIdScopes,
          checkMetadata: protocol.checkMetadata,
        }),
        attempts: services.attempts,
        requestContext,
      }),
      adminApiRouter({ services: admin, requestContext }),
      consoleRoutes(
        createConsoleServices({
          services,
          admin,
          views,
          csrf,
          cookies,
          requestContext,
          prefix,
          provider: protocol.provider,
          testAddresses: protocol.testAddresses,
        }),
      ),
      accountApiRoutes(account),
      accountRoutes(account),
      linkRoutes({
        ...services,
        views,
        csrf,
        cookies,
        requestContext: personsContext,
        prefix,
        selfRegistration: settings.selfRegistration,
      }),
      resetRoutes({
        ...services,
        views,
        csrf,
        cookies,
        requestContext: personsContext,
        prefix,
        reset: createResetByLink(services),
        leastLengthFor,
      }),
      strengthRoute({ ...services, csrf, requestContext }),
      setupRoutes({ views, csrf, setup, requestContext: personsContext, prefix, now: () => clock.now() }),
    ],
    handleProtocol: protocol.handle,
    isReady: () => operations.readiness.isReady(),
    observe: (request, work) => operations.observe(request, work),
    recordRefusedForm: createRecordForged(services),
    epochMilliseconds: () => clock.epochMilliseconds(),
    newId,
  });
  const server = createHttpServer(app);
  const background = createBackground(services, views, {
    logout: protocol.deliverLogout,
    ping: createPingDelivery(services, protocol.provider),
  });

  return {
    services,
    lookAtSigningKeys: () => protocol.signingKeyWatch.look(),
    async listen() {
      const port = await listen(server, 'PORT', settings.port, settings.host);
      background.start();
      protocol.signingKeyWatch.start();
      await operations.start();
      return port;
    },
    async close({ drainSeconds = 0 } = {}) {
      operations.readiness.end();
      await sleep(drainSeconds * 1000);
      await drain(server, settings.shutdownGraceSeconds);
      await Promise.all([background.stop(), protocol.signingKeyWatch.stop(), protocol.finish(), operations.stop()]);
      await services.close();
      services.folder?.release();
    },
  };
}
