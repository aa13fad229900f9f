import { acrTwoFactors } from '../../domain/authentication.ts';
import { Fault, NotFound } from '../../errors.ts';
import type { FormError } from '../../http/page-parts.ts';
import type { showClient } from '../api/client-routes.ts';
import { perform } from '../api/perform.ts';
import { clientError, linesOf } from './client-error.ts';
import { ask, frameOf, goTo, hasFreshProof, queryOf, type ConsoleRequest, type Listed } from './console-request.ts';
import { consoleClient } from './shown.ts';

type Shown = ReturnType<typeof showClient>;

const addressOf = (id: string, more = ''): string => `/admin/clients/${encodeURIComponent(id)}${more}`;

export async function showClients(request: ConsoleRequest): Promise<void> {
  const cursor = queryOf(request, 'cursor');
  const query: Record<string, string> = cursor === '' ? {} : { cursor };
  const page = await ask<Listed<Shown>>(request, 'listClients', { query });
  const next = page.next_cursor;
  request.services.views.page(request.ctx, 'console-clients', {
    ...frameOf(request),
    clients: page.items.map(consoleClient),
    moreHref: next === null ? null : `/admin/clients?${new URLSearchParams({ cursor: next }).toString()}`,
  });
}

export async function showOneClient(request: ConsoleRequest, id: string, refused = false): Promise<void> {
  const shown = await ask<Shown>(request, 'getClient', { params: { client_id: id } });
  const locals = { ...frameOf(request), client: consoleClient(shown), refused };
  request.services.views.page(request.ctx, 'console-client', locals, { status: refused ? 422 : 200 });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** As `twofold clients rotate-secret` does unless told otherwise. */
const overlapSeconds = 86_400;

/** Another secret; the older one goes on for a day, so that nothing stops while it is exchanged. */
export async function addSecret(request: ConsoleRequest, id: string): Promise<void> {
  if (!hasFreshProof(request, addressOf(id))) return;
  const given = { params: { client_id: id }, body: { previous_expires_in: overlapSeconds } };
  let made: { client_secret: string };
  try {
    made = await ask<{ client_secret: string }>(request, 'addClientSecret', given);
  } catch (error) {
    if (error instanceof Fault && error.status === 409) return showOneClient(request, id, true);
    throw error;
  }
  request.services.views.page(request.ctx, 'console-once', {
    ...frameOf(request),
    what: 'secret',
    name: id,
    value: made.client_secret,
    backHref: addressOf(id),
  });
}

/** Makes one secret void at once. */
export async function removeSecret(request: ConsoleRequest, id: string, secretId: string): Promise<void> {
  if (!hasFreshProof(request, addressOf(id))) return;
  await ask(request, 'deleteClientSecret', { params: { client_id: id, secretId } });
  goTo(request, addressOf(id));
}

/** What has a field of its own; all else stands in one field, in the names of RFC 7591. */
const ownFields = new Set(['client_name', 'redirect_uris', 'post_logout_redirect_uris', 'scope', 'acr_values']);
const notChangeable = new Set(['client_id', 'secrets', 'created_at', 'updated_at']);

export async function showEdit(request: ConsoleRequest, id: string, error?: FormError): Promise<void> {
  const { services, actor, context, fields } = request;
  const answer = await perform(services.admin, actor, context, 'getClient', { params: { client_id: id } });
  const shown = answer.body as Shown & Record<string, unknown>;
  const lines = (value: unknown): string => (Array.isArray(value) ? value.map(String).join('\n') : '');
  const more = Object.fromEntries(
    Object.entries(shown).filter(([name]) => !ownFields.has(name) && !notChangeable.has(name)),
  );
  const typed = {
    version: fields.get('version') ?? String(answer.version ?? ''),
    name: fields.get('name') ?? textOf(shown.client_name),
    redirectUris: fields.get('redirect_uris') ?? lines(shown.redirect_uris),
    signOutUris: fields.get('sign_out_uris') ?? lines(shown.post_logout_redirect_uris),
    scope: fields.get('scope') ?? textOf(shown.scope),
    alwaysTwoFactors: fields.size > 0 ? fields.get('two_factors') === 'yes' : shown.acr_values.includes(acrTwoFactors),
    more: fields.get('more') ?? JSON.stringify(more, null, 2),
  };
  const locals = { ...frameOf(request), client: consoleClient(shown), typed, error };
  services.views.page(request.ctx, 'console-edit-client', locals, { status: error === undefined ? 200 : 422 });
}

/** Lays what was typed over what stands, where nobody else changed it meanwhile. */
export async function saveEdit(request: ConsoleRequest, id: string): Promise<void> {
  if (!hasFreshProof(request, addressOf(id, '/edit'))) return;
  const { services, actor, context, fields } = request;
  const params = { client_id: id };
  const before = await ask<Shown & Record<string, unknown>>(request, 'getClient', { params });
  const more = objectOf(fields.get('more') ?? '{}');
  if (more === undefined) return showEdit(request, id, { code: 'json-invalid', field: 'more' });
  const gone = Object.keys(before).filter(
    (name) => !ownFields.has(name) && !notChangeable.has(name) && !(name in more),
  );
  const list = (name: string): string[] | null => {
    const given = linesOf(fields.get(name));
    return given.length === 0 ? null : given;
  };
  const others = before.acr_values.filter((name) => name !== acrTwoFactors);
  const body = {
    ...Object.fromEntries(gone.map((name) => [name, null])),
    ...more,
    client_name: (fields.get('name') ?? '').trim() || null,
    redirect_uris: list('redirect_uris'),
    post_logout_redirect_uris: list('sign_out_uris'),
    scope: (fields.get('scope') ?? '').trim() || null,
    acr_values: fields.get('two_factors') === 'yes' ? [acrTwoFactors, ...others] : others,
  };
  const version = /^\d{1,9}$/.exec(fields.get('version') ?? '')?.[0];
  try {
    const ifVersion = Number(version ?? Number.NaN);
    await perform(services.admin, actor, context, 'updateClient', { params, body, ifVersion });
  } catch (error) {
    if (error instanceof Fault && error.status < 500 && error.status !== 404) {
      return showEdit(request, id, clientError(error, 'more'));
    }
    throw error;
  }
  goTo(request, addressOf(id));
}

/** The JSON object that a text is; undefined where it is none. */
function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Asks once more, and names what goes with it. */
export async function showDelete(request: ConsoleRequest, id: string, error?: FormError): Promise<void> {
  const shown = await ask<Shown>(request, 'getClient', { params: { client_id: id } });
  const locals = { ...frameOf(request), client: consoleClient(shown), error };
  request.services.views.page(request.ctx, 'console-delete-client', locals, {
    status: error === undefined ? 200 : 422,
  });
}

export async function deleteClient(request: ConsoleRequest, id: string): Promise<void> {
  if (!hasFreshProof(request, addressOf(id, '/delete'))) return;
  // Typed once more: a click on the wrong page must not end what others work with.
  if ((request.fields.get('client_id') ?? '').trim() !== id) {
    return showDelete(request, id, { code: 'id-differs', field: 'client_id' });
  }
  await ask(request, 'deleteClient', { params: { client_id: id } });
  goTo(request, '/admin/clients');
}

/** A real sign-in for this relying party, as the operator, that ends here instead of with the relying party. */
export async function startTest(request: ConsoleRequest, id: string): Promise<void> {
  const { services, session, fields } = request;
  const shown = await ask<Shown>(request, 'getClient', { params: { client_id: id } });
  const given = shown.scope as string | undefined;
  const scope = ['openid', ...(given ?? 'profile email').split(' ').filter((name) => name !== 'openid')].join(' ');
  request.ctx.status = 303;
  request.ctx.set(
    'Location',
    services.testSignIn.begin(shown.client_id, {
      scope,
      loginHint: session.user.username,
      anew: fields.get('anew') === 'yes',
    }),
  );
  request.ctx.body = '';
}

/** What the test came to: what the relying party would have been told, or the error. */
export async function showTest(request: ConsoleRequest, id: string): Promise<void> {
  const { services, session } = request;
  const shown = await ask<Shown>(request, 'getClient', { params: { client_id: id } });
  const { path } = request.ctx;
  if (!services.testSignIn.isMine(id, path)) throw new NotFound();
  const [code, error, description] = ['code', 'error', 'error_description'].map((name) => queryOf(request, name));
  const result =
    code === '' || code === undefined ? undefined : await services.testSignIn.redeem(id, session.user, code);
  request.services.views.page(request.ctx, 'console-test', {
    ...frameOf(request),
    client: consoleClient(shown),
    result: result ?? null,
    failed: result === undefined ? [error, description].filter(Boolean).join(': ') : null,
  });
}
