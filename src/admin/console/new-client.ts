import { Fault } from '../../errors.ts';
import { consoleClientKinds, type ConsoleClientKind } from '../../http/console-pages.ts';
import type { FormError } from '../../http/page-parts.ts';
import { perform } from '../api/perform.ts';
import { clientError, linesOf } from './client-error.ts';
import { frameOf, goTo, hasFreshProof, type ConsoleRequest } from './console-request.ts';

/** What each kind of application is in the names of RFC 7591. */
const metadataOf: Readonly<Record<ConsoleClientKind, Readonly<Record<string, unknown>>>> = {
  server: { token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'] },
  browser: { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
  native: {
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
  },
};

export function showNewClient(request: ConsoleRequest, error?: FormError): void {
  const { services, fields } = request;
  const typed = {
    name: fields.get('name') ?? '',
    kind: kindOf(fields.get('kind')),
    redirectUris: fields.get('redirect_uris') ?? '',
    alwaysTwoFactors: fields.get('two_factors') === 'yes',
  };
  const locals = { ...frameOf(request), typed, error };
  services.views.page(request.ctx, 'console-new-client', locals, { status: error === undefined ? 200 : 422 });
}

/** Registers an application; its secret, where it has one, is shown once. */
export async function createClient(request: ConsoleRequest): Promise<void> {
  if (!hasFreshProof(request, '/admin/clients/new')) return;
  const { services, actor, context, fields } = request;
  const body = {
    ...metadataOf[kindOf(fields.get('kind'))],
    client_name: (fields.get('name') ?? '').trim(),
    redirect_uris: linesOf(fields.get('redirect_uris')),
    ...(fields.get('two_factors') === 'yes' ? { acr_values: ['urn:twofold:acr:2fa'] } : {}),
  };
  let made: { client_id: string; client_secret?: string };
  try {
    const answer = await perform(services.admin, actor, context, 'createClient', { body });
    made = answer.body as typeof made;
  } catch (error) {
    if (error instanceof Fault && error.status < 500) return showNewClient(request, clientError(error));
    throw error;
  }
  const path = `/admin/clients/${encodeURIComponent(made.client_id)}`;
  if (made.client_secret === undefined) return goTo(request, path);
  services.views.page(request.ctx, 'console-once', {
    ...frameOf(request),
    what: 'secret',
    name: body.client_name || made.client_id,
    clientId: made.client_id,
    value: made.client_secret,
    backHref: path,
  });
}

function kindOf(text: string | undefined): ConsoleClientKind {
  return consoleClientKinds.find((kind) => kind === text) ?? 'server';
}
