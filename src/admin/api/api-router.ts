import { Readable } from 'node:stream';
import Router from '@koa/router';
import type { Context } from 'koa';
import type { RequestContext } from '../../domain/audit-event.ts';
import { Fault, NotFound } from '../../errors.ts';
import { takeLongBody } from '../../http/body-time.ts';
import type { AdminServices } from '../admin-services.ts';
import { authenticate, checkFresh, checkScope, refuse, type Refusal } from './authenticate.ts';
import { onceForKey } from './idempotency.ts';
import { openApiDocument } from './openapi.ts';
import { recordRead } from './perform.ts';
import { checkRequest, readIfMatch, readRaw } from './read-request.ts';
import type { Answer, Call, Route } from './route.ts';
import { adminApiPath, adminRoutes } from './route-table.ts';

export interface ApiRouterOptions {
  readonly services: AdminServices;
  readonly requestContext: (ctx: Context) => RequestContext;
}

interface Found {
  readonly route: Route;
  readonly params: Record<string, string>;
}

const matchers = adminRoutes.map((route) => ({ route, pattern: patternOf(route.path) }));

/** The admin API: every call of the table goes through the same checks, in this order. */
export function adminApiRouter({ services, requestContext }: ApiRouterOptions): Router {
  const router = new Router({ strict: true, sensitive: true });
  const document = JSON.stringify(openApiDocument());
  // What the calls are is no secret; everything else is.
  router.get(`${adminApiPath}/openapi.json`, (ctx) => {
    ctx.type = 'application/json';
    ctx.body = document;
  });
  router.all([adminApiPath, `${adminApiPath}/{*path}`], async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    await answerCall(ctx, services, requestContext(ctx));
  });
  return router;
}

async function answerCall(ctx: Context, services: AdminServices, context: RequestContext): Promise<void> {
  const found = find(ctx.method, ctx.path.slice(adminApiPath.length));
  const path = `${adminApiPath}${found.kind === 'found' ? found.route.path : '/{unknown}'}`;
  const refusal: Refusal = { services, ctx, context, path };
  const authenticated = await authenticate(refusal);
  const { actor } = authenticated;
  await chargeCall(services, actor.id);
  if (found.kind === 'other-method') {
    ctx.set('Allow', found.allow);
    throw new Fault('method_not_allowed', 405, 'this address takes other methods');
  }
  if (found.kind === 'unknown') throw new NotFound('there is no such call');
  const { route, params } = found;
  const changes = route.method !== 'get';
  await checkScope(refusal, authenticated, route.scope);
  if (changes && !route.scope.endsWith(':read')) await checkFresh(refusal, authenticated);
  const ifVersion = changes && route.versioned === true ? readIfMatch(ctx) : undefined;
  const raw = await readRaw(ctx, route, params);
  const checked = checkRequest(route, raw);
  if (route.streams !== undefined) takeLongBody(ctx.req);
  const call = { ...checked, services, actor, context, ifVersion, request: ctx.req };
  const work = (): Promise<Answer> => handle(refusal, actor.id, route, call as Call<never, never, never>);
  const key = ctx.get('Idempotency-Key');
  const keyed = changes && route.streams === undefined && ctx.headers['idempotency-key'] !== undefined;
  const request = [ctx.method, ctx.path, ctx.querystring, ctx.get('If-Match'), raw.bodyText];
  const answer: Answer & { replayed?: true } = keyed
    ? await onceForKey(services, { key, actorId: actor.id, request }, work)
    : await work();
  if (answer.replayed === true) ctx.set('Idempotency-Replayed', 'true');
  await recordRead(services, route, answer, actor.id, context);
  send(ctx, answer);
}

/** A rule that refuses is recorded like a missing scope; a version that moved on is a failed precondition. */
async function handle(refusal: Refusal, actor: string, route: Route, call: Call<never, never, never>): Promise<Answer> {
  try {
    return await route.handle(call);
  } catch (error) {
    if (error instanceof Fault && error.code === 'version_changed') {
      throw new Fault('version_changed', 412, error.message);
    }
    const refused = error instanceof Fault && (error.status === 403 || error.code === 'last_operator');
    if (refused) return refuse(refusal, actor, error, route.scope);
    throw error;
  }
}

async function chargeCall({ attempts, callsPerMinute }: AdminServices, actorId: string): Promise<void> {
  const limit = { subject: `admin-calls:${actorId}`, burst: callsPerMinute, refillSeconds: 60 / callsPerMinute };
  const wait = await attempts.charge([limit]);
  if (wait > 0) throw new Fault('too_many_requests', 429, 'too many calls', { retryAfterSeconds: wait });
}

function send(ctx: Context, { status, body, lines, version, location }: Answer): void {
  ctx.status = status;
  if (version !== undefined) ctx.set('ETag', `"${version}"`);
  if (location !== undefined) ctx.set('Location', `${adminApiPath}${location}`);
  if (lines !== undefined) {
    ctx.type = 'application/x-ndjson';
    ctx.body = Readable.from(lines);
    return;
  }
  if (body === undefined) {
    ctx.body = null;
    ctx.status = status;
    return;
  }
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(body);
}

type Search =
  | ({ readonly kind: 'found' } & Found)
  | { readonly kind: 'other-method'; readonly allow: string }
  | { readonly kind: 'unknown' };

function find(method: string, path: string): Search {
  const there = matchers.flatMap(({ route, pattern }) => {
    const match = pattern.exec(path);
    return match === null ? [] : [{ route, groups: match.groups ?? {} }];
  });
  const found = there.find(({ route }) => route.method === method.toLowerCase());
  if (found !== undefined) {
    const params = decodeAll(found.groups);
    return params === undefined ? { kind: 'unknown' } : { kind: 'found', route: found.route, params };
  }
  if (there.length === 0) return { kind: 'unknown' };
  return { kind: 'other-method', allow: there.map(({ route }) => route.method.toUpperCase()).join(', ') };
}

function decodeAll(groups: Readonly<Record<string, string>>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}
