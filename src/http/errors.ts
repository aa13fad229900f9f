import { STATUS_CODES } from 'node:http';
import type { Context, Next } from 'koa';
import { Fault } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ErrorPageCode } from './pages.ts';
import { wantsJson } from './reader.ts';
import { routeOf } from './route-of.ts';
import type { LocalsOf, Views } from './views.ts';

/** A fault's code as the page that tells people of it. */
const pageOf: Readonly<Record<string, ErrorPageCode>> = {
  stale_form: 'form-expired',
  cross_site: 'form-expired',
  overtaken: 'form-expired',
  not_ahead: 'form-expired',
  sign_in_gone: 'sign-in-gone',
  session_not_found: 'sign-in-gone',
  link_used: 'link-used',
  secret_unreadable: 'secret-unreadable',
  second_factor_closed: 'second-factor-closed',
  enrolment_needs_operator: 'enrolment-needs-operator',
  busy: 'busy',
  store_unavailable: 'unavailable',
  forbidden: 'forbidden',
};

const pageOfStatus: Readonly<Record<number, ErrorPageCode>> = {
  400: 'bad-request',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'too-large',
  415: 'bad-request',
  503: 'unavailable',
};

/** A form that no page of ours sent, or that belongs to another session. */
export interface RefusedForm {
  readonly method: string;
  /** The route's pattern: an address itself may bear a link's token. */
  readonly route: string;
  /** The code of the fault that refused it. */
  readonly code: 'cross_site' | 'stale_form';
  readonly context: { readonly requestId: string; readonly address: string; readonly userAgent: string };
}

export interface ErrorAnswers {
  readonly logger: Logger;
  readonly views: Views;
  readonly recordRefusedForm: (refused: RefusedForm) => Promise<void>;
}

/** The one place where a fault becomes an answer: a page, or problem+json (RFC 9457) for programs. */
export function handleErrors({ logger, views, recordRefusedForm }: ErrorAnswers) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined && ctx.respond !== false) ctx.throw(404);
    } catch (error) {
      const { status, code, retryAfterSeconds, field } = describe(error);
      const { requestId } = ctx.state as { requestId: string };
      if (status >= 500) logger.error({ requestId, err: error }, 'a request failed');
      if (code === 'cross_site' || code === 'stale_form') {
        const { address, userAgent } = (ctx.state as { origin: { address: string; userAgent: string } }).origin;
        const context = { requestId, address, userAgent };
        await recordRefusedForm({ method: ctx.method, route: routeOf(ctx), code, context });
      }
      if (ctx.headerSent) return;
      if (status === 405 && !ctx.response.get('Allow')) ctx.set('Allow', 'GET, POST');
      if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds));
      if (asksForProblem(ctx)) {
        ctx.status = status;
        ctx.type = 'application/problem+json';
        const title = STATUS_CODES[status] ?? 'Error';
        // The words of a fault are written for whoever called; those of anything else may tell of our insides.
        const detail = error instanceof Fault && status < 500 ? error.message : undefined;
        ctx.body = JSON.stringify({ type: 'about:blank', title, status, code, detail, field, request_id: requestId });
        return;
      }
      const page = pageOf[code] ?? pageOfStatus[status] ?? (status >= 500 ? 'internal' : 'bad-request');
      const next = nextAfter(page, ctx.path);
      views.page(ctx, 'error', { code: page, reference: requestId, retryAfterSeconds, next }, { status });
    }
  };
}

/** Programs get a problem (RFC 9457); a step of the sign-in that was asked for as JSON answers in the step's own form. */
function asksForProblem(ctx: Context): boolean {
  if (/^\/(?:account|admin)\/api(?:\/|$)/.test(ctx.path)) return true;
  return wantsJson(ctx) && !ctx.path.startsWith('/interaction/');
}

/** Where somebody goes on who is stuck: at a form that was sent before, a link that was used, a sign-in that is over. */
function nextAfter(code: ErrorPageCode, path: string): LocalsOf<'error'>['next'] {
  const [signIn] = /^\/interaction\/[\w-]+/.exec(path) ?? [];
  if ((code === 'form-expired' || code === 'method-not-allowed') && signIn !== undefined) {
    return { path: signIn, does: 'continue' };
  }
  return code === 'link-used' || code === 'sign-in-gone' ? { path: '/account', does: 'to-account' } : undefined;
}

function describe(error: unknown): { status: number; code: string; retryAfterSeconds?: number; field?: string } {
  if (error instanceof Fault) {
    const { status, code, retryAfterSeconds, field } = error;
    return {
      status,
      code,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(field ? { field } : {}),
    };
  }
  const { status, statusCode, error: code, expose } = (error ?? {}) as Record<string, unknown>;
  const known = typeof status === 'number' ? status : typeof statusCode === 'number' ? statusCode : 500;
  const safe = known >= 400 && known < 600 && (known < 500 || expose === true) ? known : 500;
  return {
    status: safe,
    code: typeof code === 'string' ? code : safe < 500 ? 'bad_request' : 'internal',
    ...(safe === 503 ? { retryAfterSeconds: 2 } : {}),
  };
}
