import type { z } from 'zod';
import type { ShownAuditEvent } from '../../audit/export.ts';
import type { ConsoleClient, ConsoleEvent, ConsoleParty, ConsoleUser } from '../../http/console-pages.ts';
import type { UserDirectory } from '../../users/user-directory.ts';
import type { showClient } from '../api/client-routes.ts';
import type { user } from '../api/user-schemas.ts';

/** A person of the API as the console shows them. */
export function consoleUser(shown: z.output<typeof user>): ConsoleUser {
  const { second_factor: factor } = shown;
  return {
    id: shown.id,
    username: shown.username,
    name: typeof shown.claims['name'] === 'string' ? shown.claims['name'] : '',
    email: shown.email,
    status: shown.status,
    roles: shown.roles,
    factor: factor.closed ? 'closed' : factor.enabled ? 'enabled' : factor.pending ? 'pending' : 'none',
    factorRequired: factor.required,
    recoveryCodesRemaining: factor.recovery_codes_remaining,
    lastUsedAt: dateOf(factor.last_used_at),
    createdAt: new Date(shown.created_at),
    authenticators: factor.authenticators.map((one) => ({
      id: one.id,
      label: one.label,
      lastUsedAt: dateOf(one.last_used_at),
    })),
  };
}

/** Events with the names of whom they name. */
export async function consoleEvents(
  directory: Pick<UserDirectory, 'namesOf'>,
  events: readonly ShownAuditEvent[],
): Promise<ConsoleEvent[]> {
  const names = await directory.namesOf([...new Set(events.flatMap(({ actor, target }) => [actor, target]))]);
  const party = (id: string): ConsoleParty => ({ id, name: names.get(id) ?? null });
  return events.map((event) => ({
    id: event.id,
    at: new Date(event.at),
    type: event.type,
    actor: party(event.actor),
    target: party(event.target),
    result: event.result,
    reason: event.reason,
    requestId: idOfRequest.test(event.request_id) ? event.request_id : null,
    address: event.address,
  }));
}

const idOfRequest = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

export function consoleClient(shown: ReturnType<typeof showClient>): ConsoleClient {
  const method = shown.token_endpoint_auth_method ?? 'client_secret_basic';
  const redirectUris = Array.isArray(shown.redirect_uris) ? shown.redirect_uris.map(String) : [];
  return {
    id: shown.client_id,
    name: typeof shown.client_name === 'string' ? shown.client_name : shown.client_id,
    redirectUris,
    confidential: typeof method === 'string' && method.startsWith('client_secret_'),
    secrets: shown.secrets.map((one) => ({
      id: one.id,
      createdAt: new Date(one.created_at),
      expiresAt: dateOf(one.expires_at),
    })),
  };
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
