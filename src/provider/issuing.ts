import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { Conflict } from '../errors.ts';
import type { ProviderPages } from './create-provider.ts';
import { answered } from './engine-faults.ts';
import { requestOrigin, type RequestOrigin } from './request-origin.ts';
import type { Issued, SavedGrant, SavedSession, WriteIssued } from './stores.ts';

/** What the engine asked to be stored in the request that is being answered. */
interface Issuing {
  resumed: string | undefined;
  readonly grants: Map<string, SavedGrant>;
  readonly codes: Issued['codes'][number][];
  session: SavedSession | undefined;
}

/** Where the engine issues codes; what it asks to be stored there it does not read again in the same request. */
const authorization = /^\/auth(?:\/[\w-]+)?$/;
const requests = new WeakMap<RequestOrigin, Issuing>();

/** Where to put what is written before the answer leaves; undefined where everything is written at once. */
export function issuingOfRequest(): Issuing | undefined {
  const request = requestOrigin.getStore();
  return request && requests.get(request);
}

/**
 * The engine waits for each of its writes. At the authorization endpoint they are gathered, and written all together or
 * not at all before the answer leaves: one wait instead of four, and no code without its resume, grant and session.
 */
export function writeBeforeAnswering(provider: Provider, write: WriteIssued, showError: ProviderPages['error']): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    const request = requestOrigin.getStore();
    if (request === undefined || !authorization.test(request.path)) return next();
    const issuing: Issuing = { resumed: undefined, grants: new Map(), codes: [], session: undefined };
    requests.set(request, issuing);
    await next();
    requests.delete(request);
    try {
      await answered(write({ ...issuing, grants: [...issuing.grants.values()] }));
    } catch (error) {
      ctx.remove('Location');
      await refuse(ctx, asRefusal(error), showError);
    }
  });
}

/** As the engine does: its own errors are shown, and of anything else only that there was one. */
async function refuse(ctx: KoaContextWithOIDC, error: unknown, showError: ProviderPages['error']): Promise<void> {
  const cause = error instanceof Error ? error : new Error('not stored', { cause: error });
  if (!(cause instanceof errors.OIDCProviderError)) {
    ctx.status = 500;
    await showError(ctx, { error: 'server_error' }, cause);
    ctx.oidc.provider.emit('server_error', ctx, cause);
    return;
  }
  ctx.status = cause.statusCode;
  const { error: code, error_description: description } = cause;
  await showError(
    ctx,
    { error: code, ...(description === undefined ? {} : { error_description: description }) },
    cause,
  );
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof Conflict)) return error;
  return error.code === 'interaction_over'
    ? new errors.SessionNotFound('the interaction is over')
    : new errors.InvalidGrant('the grant was ended');
}
