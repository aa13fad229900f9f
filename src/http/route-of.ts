import type { Context } from 'koa';

/** The engine's own addresses, and ours that have no router. */
const plain =
  /^\/(?:healthz|readyz|jwks|auth|token|me|par|introspect|revoke|device|logout|register|backchannel|assets|\.well-known)(?=\/|$)/;

/**
 * The pattern of the route that took a request, or the first part of a known path; else `other`. Ids, links and what
 * strangers think of never become a label.
 */
export function routeOf(ctx: Context): string {
  const matched: unknown = (ctx as { _matchedRoute?: unknown })._matchedRoute;
  if (typeof matched === 'string') return matched;
  return plain.exec(ctx.path)?.[0] ?? 'other';
}
