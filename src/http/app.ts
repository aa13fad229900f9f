import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type Router from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import type { Logger } from '../logger.ts';
import type { ClientAddress } from './client-address.ts';
import { limitBodyTime } from './body-time.ts';
import { handleErrors, type ErrorAnswers } from './errors.ts';
import { acceptReports } from './csp-reports.ts';
import { closedPolicy, everyAnswersHeaders, guardHeaders } from './headers.ts';
import { takeClientCertificate, type CertificateHeaders, type ClientCertificate } from './client-certificate.ts';
import { Fault } from '../errors.ts';
import { setReader } from './reader.ts';
import { routeOf } from './route-of.ts';
import { readFields } from './forms.ts';
import { chooseLanguage } from './language-choice.ts';
import type { Views } from './views.ts';

export interface AppOptions {
  readonly issuer: string;
  readonly logger: Logger;
  readonly views: Views;
  readonly clientAddress: ClientAddress;
  /** The headers of a client's certificate, where the proxy hands one on. */
  readonly certificateHeaders: CertificateHeaders | undefined;
  readonly routers: readonly Router[];
  /** Protocol endpoints; sees requests as if they had been sent to the issuer's own address. */
  readonly handleProtocol: (ctx: Context, origin: Origin) => Promise<void>;
  /** Whether this replica can serve. */
  readonly isReady: () => Promise<boolean>;
  /** Runs the rest of a request, and tells the metrics and traces of it. */
  readonly observe: (request: ObservedRequest, work: () => Promise<void>) => Promise<void>;
  readonly recordRefusedForm: ErrorAnswers['recordRefusedForm'];
  readonly epochMilliseconds: () => number;
  readonly newId: () => string;
}

/** A request as metrics and traces see it: nothing of a person, and every word but the duration from a closed list. */
export interface ObservedRequest {
  readonly method: string;
  /** The route and the status, once they are known. */
  readonly outcome: () => { readonly route: string; readonly status: number };
}

/** What is known of where a request comes from. */
export interface Origin {
  readonly requestId: string;
  readonly address: string;
  readonly userAgent: string;
  readonly arrivedAt: number;
  /** Of the connection between client and proxy. */
  readonly certificate?: ClientCertificate | undefined;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Where the engine takes a POST of parameters; it is sent on to the GET form, so that cookies stay SameSite=Lax. */
const postsToGet = new Set(['/auth', '/logout']);
const longestQuery = 12_000;

/** Addresses whose GET changes nothing at all. */
const mayBeAskedForByHead = /^\/(?:healthz|readyz|jwks|what-we-see|assets\/.+|\.well-known\/.+)$/;

/** The whole of what listens: one middleware after the other, in the order of this list. */
export function createApp(options: AppOptions): Koa {
  const app = new Koa();
  // Errors are answered and logged by our own middleware; the framework's printing would bypass the redaction.
  app.silent = true;
  const base = new URL(options.issuer);
  const prefix = base.pathname.replace(/\/$/, '');

  app.use(identify(options));
  app.use(observeRequest(options));
  app.use(handleErrors(options));
  app.use(guardRequest(prefix));
  app.use(serveHealth(options));
  app.use(serveAssets(options.views));
  app.use(acceptReports(options.logger, options.epochMilliseconds));
  app.use(chooseLanguage(options.views, base.protocol === 'https:'));
  app.use(showWhatWeSee(options.views));
  const protocol = serveProtocol(options);
  // Asked for far more often than pages are looked at, and no router has them.
  app.use((ctx, next) => (engineEndpoints.test(ctx.path) ? protocol(ctx, next) : next()));
  for (const router of options.routers) app.use(router.routes());
  app.use(refuseOtherMethods(options.routers));
  app.use(protocol);
  return app;
}

/** Of an address that is there with another method: 405, and which ones it takes (RFC 9110 section 15.5.6). */
function refuseOtherMethods(routers: readonly Router[]) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const taken = routers.flatMap((router) =>
      router.match(ctx.path, ctx.method).path.flatMap(({ methods: own }) => own),
    );
    if (taken.length > 0) {
      ctx.set('Allow', [...new Set(taken)].filter((method) => method !== 'HEAD').join(', '));
      ctx.throw(405);
    }
    await next();
  };
}

const engineEndpoints = /^\/(?:auth(?:\/[^/]+)?|token|introspect|revoke|par|me|jwks)$/;

function serveProtocol({ handleProtocol }: AppOptions) {
  return async (ctx: Context, next: Next): Promise<void> => {
    await handleProtocol(ctx, (ctx as { state: { origin: Origin } }).state.origin);
    if (ctx.respond) await next();
  };
}

/** A server with limits on how long a client may take (against slow senders) and how much it may send ahead. */
export function createHttpServer(app: Koa): Server {
  const handle = app.callback();
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 },
    (request: IncomingMessage, response: ServerResponse) => {
      // Our own limit instead of the server's, since an import may take as long as it needs.
      limitBodyTime(request);
      void handle(request, response);
    },
  );
  server.maxHeadersCount = 100;
  // What is no HTTP at all never reaches the app; it gets its answer, with the same headers, here.
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(answerToNoHttp);
  });
  return server;
}

const answerToNoHttp = [
  'HTTP/1.1 400 Bad Request',
  'Connection: close',
  'Content-Length: 0',
  'cache-control: no-store',
  `content-security-policy: ${closedPolicy}`,
  ...Object.entries(everyAnswersHeaders).map(([name, value]) => `${name}: ${value}`),
  '\r\n',
].join('\r\n');

function identify({ logger, clientAddress, certificateHeaders, epochMilliseconds, issuer, newId }: AppOptions) {
  const { host, protocol } = new URL(issuer);
  return async (ctx: Context, next: Next): Promise<void> => {
    const requestId = newId();
    const arrivedAt = epochMilliseconds();
    const forwarded = ctx.req.headers['x-forwarded-for'];
    const address = clientAddress(ctx.req.socket.remoteAddress, forwarded?.toString());
    const isFromProxy = clientAddress.isProxy(ctx.req.socket.remoteAddress);
    const certificate =
      certificateHeaders && takeClientCertificate(ctx.req, certificateHeaders, isFromProxy, new Date(arrivedAt));
    const userAgent = ctx.get('User-Agent').slice(0, 300);
    const origin: Origin = { requestId, address, userAgent, arrivedAt, certificate };
    Object.assign(ctx.state, { requestId, origin });
    setReader(ctx, { requestId });
    guardHeaders(ctx.res, { https: protocol === 'https:' });
    // Whatever Host or forwarding headers say, every address is built from the configured issuer.
    for (const name of Object.keys(ctx.req.headers)) {
      if (name === 'forwarded' || name.startsWith('x-forwarded-')) delete ctx.req.headers[name];
    }
    ctx.req.headers.host = host;
    ctx.set('X-Request-Id', requestId);
    try {
      await next();
    } finally {
      const milliseconds = epochMilliseconds() - arrivedAt;
      logger.info({
        requestId,
        method: ctx.method,
        path: loggedPath(ctx.path),
        status: ctx.status,
        milliseconds,
        address,
      });
    }
  };
}

function observeRequest({ observe }: AppOptions) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const method = methods.has(ctx.method) ? ctx.method : 'other';
    await observe({ method, outcome: () => ({ route: routeOf(ctx), status: ctx.status }) }, next);
  };
}

/** Ids and links in a path open things: a log keeps the shape of the path, not them. */
function loggedPath(path: string): string {
  return path.slice(0, 200).replaceAll(/(?<=\/)[\w.~-]{16,}(?=\/|$)/g, ':id');
}

/** Refuses what the engine would half understand: odd methods, HEAD where it consumes, other spellings of a path. */
function guardRequest(prefix: string) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (!methods.has(ctx.method)) ctx.throw(405);
    if (prefix !== '') {
      if (!ctx.path.startsWith(`${prefix}/`)) ctx.throw(404);
      ctx.req.url = (ctx.req.url ?? '').slice(prefix.length);
    }
    const meant =
      /^\/(?:(?:account|admin)\/)?$/.test(ctx.path) && ctx.method === 'GET' ? ctx.path.slice(1, -1) : undefined;
    if (meant !== undefined) {
      ctx.redirect(`${prefix}/${meant || 'account'}`);
      ctx.status = 303;
      return;
    }
    if (/%2f|%5c|\\|\/\/|;|%00/i.test(ctx.path) || (ctx.path.length > 1 && ctx.path.endsWith('/'))) ctx.throw(404);
    // A HEAD would do what the GET does: resume a sign-in, begin an enrolment.
    if (ctx.method === 'HEAD' && !mayBeAskedForByHead.test(ctx.path)) ctx.throw(405);
    if (
      ctx.path !== ctx.path.toLowerCase() &&
      /^\/(auth|token|me|par|introspect|revoke|device|logout|jwks)\b/i.test(ctx.path)
    ) {
      // The resume address ends in an id of both cases; only the part before it has one spelling.
      if (!/^\/(auth|device)\//.test(ctx.path)) ctx.throw(404);
    }
    if (ctx.method === 'POST' && postsToGet.has(ctx.path)) {
      const fields = await readFields(ctx);
      const query = new URLSearchParams([...fields]).toString();
      // A longer address would be cut or refused on its way, by whoever reads it next.
      if (query.length > longestQuery) throw new Fault('request_too_large', 413, 'push a request of this size to /par');
      ctx.redirect(`${prefix}${ctx.path}?${query}`);
      ctx.status = 303;
      return;
    }
    await next();
  };
}

function serveHealth({ isReady }: AppOptions) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'alive' };
      return;
    }
    if (ctx.path === '/readyz') {
      const ready = await isReady();
      ctx.status = ready ? 200 : 503;
      ctx.body = { status: ready ? 'ready' : 'not ready' };
      return;
    }
    await next();
  };
}

/** A page for whoever wonders what we see of them; it needs no sign-in. */
function showWhatWeSee(views: Views) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.path !== '/what-we-see') {
      await next();
      return;
    }
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      ctx.throw(405);
    }
    const { address, userAgent } = (ctx as { state: { origin: Origin } }).state.origin;
    views.page(ctx, 'what-we-see', { address, browser: userAgent, activityDays: 90 });
  };
}

function serveAssets(views: Views) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (!ctx.path.startsWith('/assets/')) {
      await next();
      return;
    }
    const found = views.assets.find(ctx.path);
    if (found === undefined) ctx.throw(404);
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') ctx.throw(405);
    const { asset, current } = found;
    // A page of an older replica asks for its own files: better today's than none, but not to be kept under that name.
    ctx.set('Cache-Control', current ? 'public, max-age=31536000, immutable' : 'no-store');
    ctx.set('Vary', 'Accept-Encoding');
    ctx.type = asset.type;
    const gzipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? asset.gzipped : undefined;
    if (gzipped !== undefined) ctx.set('Content-Encoding', 'gzip');
    ctx.body = gzipped ?? asset.body;
  };
}
