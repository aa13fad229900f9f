import type { RequestContext } from '../../domain/audit-event.ts';
import { Forbidden } from '../../errors.ts';
import { covers, type Actor } from '../access.ts';
import type { AdminServices } from '../admin-services.ts';
import { checkRequest } from './read-request.ts';
import type { Answer, Call, Route } from './route.ts';
import { adminApiPath, adminRoutes } from './route-table.ts';

export interface Performed {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** As If-Match says it. */
  readonly ifVersion?: number;
}

/**
 * Does a call of the API from within, for the console: the same schemas, scopes, rules and records. Throws what the call
 * throws, and `Forbidden` (`insufficient_scope`).
 */
export async function perform(
  services: AdminServices,
  actor: Actor,
  context: RequestContext,
  operationId: string,
  { params = {}, query = {}, body, ifVersion }: Performed = {},
): Promise<Answer> {
  const route = adminRoutes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new TypeError(`there is no call ${operationId}`);
  if (!covers(actor.scopes, route.scope))
    throw new Forbidden('insufficient_scope', `the scope ${route.scope} is needed`);
  const checked = checkRequest(route, { params, query, bodyText: body === undefined ? '' : JSON.stringify(body) });
  const call = { ...checked, services, actor, context, ifVersion };
  const answer = await route.handle(call as unknown as Call<never, never, never>);
  await recordRead(services, route, answer, actor.id, context);
  return answer;
}

/** Who looked at people or at the record stands in the record, before the answer leaves. */
export async function recordRead(
  services: AdminServices,
  route: Route,
  { read }: Answer,
  actor: string,
  context: RequestContext,
): Promise<void> {
  if (route.sensitive !== true || read === undefined) return;
  await services.record({
    type: 'operator.read',
    actor,
    target: read.target ?? '',
    result: 'success',
    details: { resource: route.operationId, count: read.count, path: `${adminApiPath}${route.path}` },
    context,
  });
}
