import Router from '@koa/router';
import type { Context } from 'koa';
import type { AttemptStore } from '../attempt-store.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { Fault, InvalidInput } from '../errors.ts';
import { networkOf } from '../http/client-address.ts';
import { readText } from '../http/forms.ts';
import type { Registered, SelfRegistration } from '../relying-parties/self-registration.ts';

export interface RegistrationServices {
  readonly issuer: string;
  readonly registration: SelfRegistration;
  readonly attempts: AttemptStore;
  readonly requestContext: (ctx: Context) => RequestContext;
}

const mostBytes = 65_536;

/** `/register` and a client's own address below it (RFC 7591, RFC 7592); none of it is there while it is off. */
export function registrationRoutes({ issuer, registration, attempts, requestContext }: RegistrationServices): Router {
  const router = new Router();
  if (registration.mode === 'off') return router;

  router.post('/register', async (ctx) =>
    answering(ctx, async () => {
      const context = requestContext(ctx);
      // Charged before any token is looked at: neither guessing nor an open door fills the database.
      const subject = `registration:${networkOf(context.address)}`;
      const wait = await attempts.charge([{ subject, burst: 20, refillSeconds: 60 }]);
      if (wait > 0) throw new Fault('slow_down', 429, 'too many registrations', { retryAfterSeconds: wait });
      const made = await registration.register(await readMetadata(ctx), bearerOf(ctx), context);
      ctx.status = 201;
      ctx.body = show(made, made.managementToken);
    }),
  );
  router.get('/register/:clientId', async (ctx) =>
    answering(ctx, async () => {
      const bearer = bearerOf(ctx);
      ctx.body = show(await registration.read(idOf(ctx), bearer), bearer);
    }),
  );
  router.put('/register/:clientId', async (ctx) =>
    answering(ctx, async () => {
      const bearer = bearerOf(ctx);
      const made = await registration.update(idOf(ctx), await readMetadata(ctx), bearer, requestContext(ctx));
      ctx.body = show(made, bearer);
    }),
  );
  router.delete('/register/:clientId', async (ctx) =>
    answering(ctx, async () => {
      await registration.remove(idOf(ctx), bearerOf(ctx), requestContext(ctx));
      ctx.status = 204;
    }),
  );
  return router;

  function show({ relyingParty, createdAt, secret }: Registered, managementToken: string | undefined) {
    const { clientId, metadata } = relyingParty;
    const grants = (metadata['grant_types'] as string[] | undefined) ?? ['authorization_code', 'refresh_token'];
    return {
      token_endpoint_auth_method: 'client_secret_basic',
      response_types: grants.includes('authorization_code') ? ['code'] : [],
      ...metadata,
      grant_types: grants,
      client_id: clientId,
      client_id_issued_at: Math.floor(createdAt.getTime() / 1000),
      ...(secret === null ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
      registration_access_token: managementToken,
      registration_client_uri: `${issuer}/register/${encodeURIComponent(clientId)}`,
    };
  }
}

/** Errors in the form of RFC 7591 section 3.2.2 and RFC 6750 section 3. */
async function answering(ctx: Context, work: () => Promise<void>): Promise<void> {
  ctx.set('Cache-Control', 'no-store');
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Fault) || error.status >= 500) throw error;
    const metadata = error instanceof InvalidInput && error.code !== 'invalid_request';
    const code = !metadata
      ? error.code
      : error.field === 'redirect_uris'
        ? 'invalid_redirect_uri'
        : 'invalid_client_metadata';
    ctx.status = error.status;
    ctx.body = { error: code, error_description: error.message };
    if (error.status === 401) ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    if (error.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.retryAfterSeconds));
  }
}

function bearerOf(ctx: Context): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,200})$/i.exec(ctx.get('Authorization'))?.[1];
}

function idOf(ctx: Context): string {
  const { clientId } = (ctx as unknown as { params: { clientId?: string } }).params;
  return clientId ?? '';
}

async function readMetadata(ctx: Context): Promise<Record<string, unknown>> {
  if (!ctx.is('application/json')) throw new InvalidInput('', 'metadata come as application/json', 'invalid_request');
  try {
    const value: unknown = JSON.parse(await readText(ctx.req, mostBytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidInput('', 'metadata are one JSON object', 'invalid_request');
}
