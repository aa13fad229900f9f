import type { z } from 'zod';
import type { ShownAuditEvent } from '../../audit/export.ts';
import { auditEventTypes } from '../../domain/audit-event.ts';
import { Fault } from '../../errors.ts';
import { consoleActs, type ConsoleAct, type FactorShown } from '../../http/console-pages.ts';
import { covers } from '../access.ts';
import { perform, type Performed } from '../api/perform.ts';
import type { showClient } from '../api/client-routes.ts';
import type { user } from '../api/user-schemas.ts';
import { frameOf, goTo, hasFreshProof, queryOf, type ConsoleRequest } from './console-request.ts';
import { actsOf } from './acts.ts';
import { consoleClient, consoleEvent, consoleUser } from './shown.ts';

type Shown = z.output<typeof user>;
interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
  readonly total?: number;
}

async function ask<Body>({ services, actor, context }: ConsoleRequest, operationId: string, given?: Performed) {
  const answer = await perform(services.admin, actor, context, operationId, given);
  return answer.body as Body;
}

export async function showUsers(request: ConsoleRequest): Promise<void> {
  const query = queryOf(request, 'query');
  const status = queryOf(request, 'status');
  const secondFactor = queryOf(request, 'second_factor');
  const filters = withoutEmpty({ query, status, second_factor: secondFactor });
  const cursor = withoutEmpty({ cursor: queryOf(request, 'cursor') });
  const page = await ask<Page<Shown>>(request, 'listUsers', { query: { ...filters, ...cursor, total: 'true' } });
  request.services.views.page(request.ctx, 'console-users', {
    ...frameOf(request),
    filter: { query, status, secondFactor },
    users: page.items.map(consoleUser),
    total: page.total ?? 0,
    moreHref: moreHref('/admin/users', filters, page.next_cursor),
  });
}

export async function showUser(request: ConsoleRequest, id: string): Promise<void> {
  const { actor } = request;
  const params = { id };
  const shown = consoleUser(await ask<Shown>(request, 'getUser', { params }));
  const may = (scope: Parameters<typeof covers>[1]): boolean => covers(actor.scopes, scope);
  const sessions = may('admin:sessions:read')
    ? await ask<Page<{ user_agent: string; address: string; last_seen_at: string }>>(request, 'listSessions', {
        params,
      })
    : undefined;
  const help = may('admin:second-factor')
    ? await ask<Page<{ id: string; message: string; created_at: string }>>(request, 'listHelpRequests', {
        query: { user: id },
      })
    : undefined;
  const recent = may('admin:audit:read')
    ? await ask<Page<ShownAuditEvent>>(request, 'listAuditEvents', { query: { person: id, limit: '20' } })
    : undefined;
  request.services.views.page(request.ctx, 'console-user', {
    ...frameOf(request),
    user: shown,
    acts: actsOf(actor, shown),
    sessions: (sessions?.items ?? []).map((one) => ({
      userAgent: one.user_agent,
      address: one.address,
      lastSeenAt: new Date(one.last_seen_at),
    })),
    help: (help?.items ?? []).map((one) => ({
      id: one.id,
      message: one.message,
      createdAt: new Date(one.created_at),
    })),
    recent: (recent?.items ?? []).map(consoleEvent),
  });
}

export async function answerHelp(request: ConsoleRequest, id: string): Promise<void> {
  const { fields } = request;
  const back = /^[\w-]{36}$/.exec(fields.get('user') ?? '')?.[0];
  const path = back === undefined ? '/admin/users' : `/admin/users/${back}`;
  if (!hasFreshProof(request, path)) return;
  const body = { answer: fields.get('answer') ?? '' };
  await ask(request, 'answerHelpRequest', { params: { requestId: id }, body });
  goTo(request, path);
}

export async function showClients(request: ConsoleRequest): Promise<void> {
  const cursor = withoutEmpty({ cursor: queryOf(request, 'cursor') });
  const page = await ask<Page<ReturnType<typeof showClient>>>(request, 'listClients', { query: cursor });
  request.services.views.page(request.ctx, 'console-clients', {
    ...frameOf(request),
    clients: page.items.map(consoleClient),
    moreHref: moreHref('/admin/clients', {}, page.next_cursor),
  });
}

export async function showOneClient(request: ConsoleRequest, id: string, refused = false): Promise<void> {
  const shown = await ask<ReturnType<typeof showClient>>(request, 'getClient', { params: { client_id: id } });
  const locals = { ...frameOf(request), client: consoleClient(shown), refused };
  request.services.views.page(request.ctx, 'console-client', locals, { status: refused ? 422 : 200 });
}

const weekSeconds = 604_800;

/** Another secret; the older one goes on for a week, so that nothing stops while it is exchanged. */
export async function addSecret(request: ConsoleRequest, id: string): Promise<void> {
  if (!hasFreshProof(request, '/admin/clients')) return;
  const given = { params: { client_id: id }, body: { previous_expires_in: weekSeconds } };
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
    backHref: `/admin/clients/${encodeURIComponent(id)}`,
  });
}

export async function showAudit(request: ConsoleRequest): Promise<void> {
  const [type, person, requestId] = ['type', 'person', 'request_id'].map((name) => queryOf(request, name).trim());
  const filter = { type: type ?? '', person: person ?? '', requestId: requestId ?? '' };
  const filters = withoutEmpty({ type: filter.type, person: filter.person, request_id: filter.requestId });
  const cursor = withoutEmpty({ cursor: queryOf(request, 'cursor') });
  const page = await ask<Page<ShownAuditEvent>>(request, 'listAuditEvents', { query: { ...filters, ...cursor } });
  request.services.views.page(request.ctx, 'console-audit', {
    ...frameOf(request),
    filter,
    types: Object.keys(auditEventTypes),
    events: page.items.map(consoleEvent),
    exportHref: `/admin/audit/export?${new URLSearchParams(filters).toString()}`,
    moreHref: moreHref('/admin/audit', filters, page.next_cursor),
  });
}

interface Report extends Readonly<Record<FactorShown, number>> {
  readonly people: number;
}

export async function showReport(request: ConsoleRequest): Promise<void> {
  const report = await ask<Report>(request, 'reportSecondFactor');
  const [user, clientId] = [queryOf(request, 'user').trim(), queryOf(request, 'client_id').trim()];
  let steps: { step: string; reasons: string[] }[] | null = null;
  if (user !== '' && clientId !== '' && covers(request.actor.scopes, 'admin:policy:read')) {
    const simulated = await ask<{ steps: { step: string; reasons: { text: string }[] }[] }>(request, 'simulatePolicy', {
      body: { user, client_id: clientId },
    });
    steps = simulated.steps.map(({ step, reasons }) => ({ step, reasons: reasons.map(({ text }) => text) }));
  }
  const { people, enabled, pending, none, closed } = report;
  const counts = { enabled, pending, none, closed };
  const locals = { ...frameOf(request), people, counts, asked: { user, clientId }, steps };
  request.services.views.page(request.ctx, 'console-report', locals);
}

export function isAct(text: string): text is ConsoleAct {
  return (consoleActs as readonly string[]).includes(text);
}

function withoutEmpty(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

function moreHref(path: string, filters: Readonly<Record<string, string>>, cursor: string | null): string | null {
  return cursor === null ? null : `${path}?${new URLSearchParams({ ...filters, cursor }).toString()}`;
}
