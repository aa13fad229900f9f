import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { Conflict } from '../errors.ts';
import type { ProviderPages } from './create-provider.ts';
import { answered } from './engine-faults.ts';
import { requestOrigin, type RequestOrigin } from './request-origin.ts';
import type { Issued, SavedGrant, SavedSession, WriteIssued } from './stores.ts';

/** What the engine asked to be stored in the request that is being answered, until it is written. */
export class Issuing {
  resumed: string | undefined;
  /** The interaction whose record this request took out, until it is over. */
  taken: { readonly id: string; readonly putBack: () => Promise<unknown> } | undefined;
  /** What was proven before the interaction was resumed. */
  proven: Issued['proven'];
  /** The session id that a rotation took away, by its hash. */
  forgotten: string | undefined;
  /** Whether the browser came with a session that is stored. */
  hasSession = false;
  readonly grants = new Map<string, SavedGrant>();
  readonly codes: Issued['codes'][number][] = [];
  /** What is done once the rest is written: a device is answered when the grant it is told of is there. */
  readonly afterwards: (() => Promise<unknown>)[] = [];
  #failed = false;
  #refused = false;
  readonly #write: WriteIssued;

  constructor(write: WriteIssued) {
    this.#write = write;
  }

  /** Whether something is not as it was asked for: then nothing more is stored, and no session's cookie leaves. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether what was proven does not stand any more. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Another request resumed the interaction: the browser keeps the session that it was given there. */
  fail(): void {
    this.#failed = true;
  }

  /**
   * Writes what was gathered, with the session that the engine saves last. Throws what the engine shows, and after that
   * writes nothing: on its way out the engine would save the session of a resume that is not stored.
   */
  async write(session?: SavedSession): Promise<void> {
    if (this.#failed) return;
    const { resumed, forgotten, proven } = this;
    const issued = { resumed, forgotten, proven, grants: [...this.grants.values()], codes: [...this.codes], session };
    this.resumed = undefined;
    this.forgotten = undefined;
    this.grants.clear();
    this.codes.length = 0;
    try {
      await answered(this.#write(issued));
      if (session !== undefined) this.hasSession = true;
      if (resumed !== undefined) this.taken = undefined;
    } catch (error) {
      this.#failed = true;
      this.#refused = error instanceof Conflict && error.code === 'not_proven';
      this.afterwards.length = 0;
      // What could not be written now can be later; what is over comes back to nobody.
      if (error instanceof Conflict) this.taken = undefined;
      throw asRefusal(error);
    }
    for (const work of this.afterwards.splice(0)) await work();
  }
}

/** Where the engine issues codes and answers devices. Of what it stores there it reads the grant alone again. */
const authorization = /^\/(?:auth(?:\/[\w-]+)?|device\/(?!auth$)[\w-]+)$/;
const requests = new WeakMap<RequestOrigin, Issuing>();

/** Where to put what is written before the answer leaves; undefined where everything is written at once. */
export function issuingOfRequest(): Issuing | undefined {
  const request = requestOrigin.getStore();
  return request && requests.get(request);
}

/**
 * The engine waits for each of its writes. At the authorization endpoint they are gathered, and written all together or
 * not at all when it saves the session, the last of them: one wait instead of five, and no code without its resume,
 * grant and session. A fault is met within the engine, which tells it to whom it always does.
 */
export function writeBeforeAnswering(provider: Provider, write: WriteIssued, showError: ProviderPages['error']): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    const request = requestOrigin.getStore();
    if (request === undefined || !authorization.test(request.path)) return next();
    const issuing = new Issuing(write);
    requests.set(request, issuing);
    try {
      await next();
      requests.delete(request);
      // What no session was saved after: the engine has answered already.
      await issuing.write().catch((error: unknown) => refuse(ctx, error, showError));
      if (issuing.failed) takeBack(ctx);
      if (issuing.refused) await refuseDevice(ctx);
    } finally {
      // Where it is not to be had back the person begins anew, as where it ran out.
      await issuing.taken?.putBack().catch(() => undefined);
    }
  });
}

/**
 * The browser keeps the session it came with: the one it was to get is not stored. Nor does a page lead to a code, or a
 * cookie to the consent that would have been asked for next.
 */
function takeBack(ctx: KoaContextWithOIDC): void {
  const names = (['session', 'interaction', 'resume'] as const).map((kind) => ctx.oidc.provider.cookieName(kind));
  const cookies = [ctx.res.getHeader('set-cookie') ?? []].flat().map(String);
  const isEngines = (line: string): boolean =>
    names.some((name) => [`${name}=`, `${name}.sig=`].some((start) => line.startsWith(start)));
  const kept = cookies.filter((line) => !isEngines(line));
  if (kept.length > 0) ctx.set('Set-Cookie', kept);
  else ctx.remove('Set-Cookie');
  if (ctx.status < 300 || ctx.status >= 400) ctx.remove('Location');
}

/** The engine tells a device of what fails while it answers, but not of what fails when that is stored. */
async function refuseDevice(ctx: KoaContextWithOIDC): Promise<void> {
  const code = ctx.oidc.entities.DeviceCode;
  if (code === undefined) return;
  const errorDescription = 'what was proven does not stand any more';
  await Object.assign(code, { accountId: undefined, error: 'access_denied', errorDescription }).save();
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
  if (error.code === 'not_proven') return new errors.AccessDenied('what was proven does not stand any more');
  if (error.code === 'interaction_over') return new errors.SessionNotFound('the interaction is over');
  return error.code === 'grant_ended' ? new errors.InvalidGrant('the grant was ended') : error;
}
