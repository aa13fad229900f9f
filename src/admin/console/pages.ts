import type { z } from 'zod';
import type { ShownAuditEvent } from '../../audit/export.ts';
import { auditEventTypes } from '../../domain/audit-event.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import type { FactorShown } from '../../http/console-pages.ts';
import type { FormError } from '../../http/page-parts.ts';
import { isMetadataDocument } from '../../provider/metadata-documents.ts';
import { covers } from '../access.ts';
import { isUserId, type user } from '../api/user-schemas.ts';
import { ask, frameOf, goTo, hasFreshProof, queryOf, type ConsoleRequest, type Listed } from './console-request.ts';
import { consoleEvents, consoleUser } from './shown.ts';

type Shown = z.output<typeof user>;
export async function showUsers(request: ConsoleRequest): Promise<void> {
  const query = queryOf(request, 'query');
  const status = queryOf(request, 'status');
  const secondFactor = queryOf(request, 'second_factor');
  const filters = withoutEmpty({ query, status, second_factor: secondFactor });
  const cursor = withoutEmpty({ cursor: queryOf(request, 'cursor') });
  const page = await ask<Listed<Shown>>(request, 'listUsers', { query: { ...filters, ...cursor, total: 'true' } });
  request.services.views.page(request.ctx, 'console-users', {
    ...frameOf(request),
    filter: { query, status, secondFactor },
    users: page.items.map(consoleUser),
    total: page.total ?? 0,
    moreHref: moreHref('/admin/users', filters, page.next_cursor),
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

const auditFields = ['type', 'person', 'actor', 'from', 'to', 'request_id'] as const;

/** The first moment of a day, or of so many days later; '' for what is no day. */
function dayStart(day: string, later = 0): string {
  const moment = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(moment) ? '' : new Date(moment + later * 86_400_000).toISOString();
}

export async function showAudit(request: ConsoleRequest): Promise<void> {
  const [type = '', person = '', actor = '', from = '', to = '', requestId = ''] = auditFields.map((name) =>
    queryOf(request, name).trim(),
  );
  const filter = { type, person, actor, from, to, requestId };
  const filters = withoutEmpty({
    type,
    person,
    actor,
    from: dayStart(from),
    to: dayStart(to, 1),
    request_id: requestId,
  });
  const cursor = withoutEmpty({ cursor: queryOf(request, 'cursor') });
  const error: FormError | undefined =
    person === '' || isUserId(person) ? undefined : { code: 'person-unknown', field: 'person' };
  // Asked in any case: whoever may not read the record hears that first.
  const query = error === undefined ? { ...filters, ...cursor } : { limit: '1' };
  const asked = await ask<Listed<ShownAuditEvent>>(request, 'listAuditEvents', { query });
  const page = error === undefined ? asked : { items: [], next_cursor: null };
  const locals = {
    ...frameOf(request),
    filter,
    types: Object.keys(auditEventTypes),
    events: await consoleEvents(request.services.admin.directory, page.items),
    exportHref: `/admin/audit/export?${new URLSearchParams(filters).toString()}`,
    moreHref: moreHref(
      '/admin/audit',
      withoutEmpty({ type, person, actor, from, to, request_id: requestId }),
      page.next_cursor,
    ),
    error,
  };
  request.services.views.page(request.ctx, 'console-audit', locals, { status: error === undefined ? 200 : 422 });
}

interface Report extends Readonly<Record<FactorShown, number>> {
  readonly people: number;
}

export async function showReport(request: ConsoleRequest): Promise<void> {
  const report = await ask<Report>(request, 'reportSecondFactor');
  const [user, clientId] = [queryOf(request, 'user').trim(), queryOf(request, 'client_id').trim()];
  const asks = user !== '' && clientId !== '' && covers(request.actor.scopes, 'admin:policy:read');
  const { steps = null, error } = asks ? await simulate(request, user, clientId) : {};
  const { people, enabled, pending, none, closed } = report;
  const counts = { enabled, pending, none, closed };
  const locals = { ...frameOf(request), people, counts, asked: { user, clientId }, steps, error };
  request.services.views.page(request.ctx, 'console-report', locals, { status: error === undefined ? 200 : 422 });
}

interface Simulated {
  readonly steps?: readonly { readonly step: string; readonly reasons: readonly string[] }[];
  readonly error?: FormError;
}

async function simulate(request: ConsoleRequest, user: string, clientId: string): Promise<Simulated> {
  // Our own surfaces, and who describes itself by a document, are registered nowhere.
  const isElsewhere = clientId.startsWith('twofold-') || isMetadataDocument(clientId);
  if (!isElsewhere && (await request.services.admin.registeredScope(clientId)) === undefined) {
    return { error: { code: 'client-unknown', field: 'client_id' } };
  }
  try {
    const { steps } = await ask<{ steps: { step: string; reasons: { code: string }[] }[] }>(request, 'simulatePolicy', {
      body: { user, client_id: clientId },
    });
    return { steps: steps.map(({ step, reasons }) => ({ step, reasons: reasons.map(({ code }) => code) })) };
  } catch (error) {
    if (error instanceof NotFound || error instanceof InvalidInput) {
      return { error: { code: 'person-unknown', field: 'user' } };
    }
    throw error;
  }
}

function withoutEmpty(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

function moreHref(path: string, filters: Readonly<Record<string, string>>, cursor: string | null): string | null {
  return cursor === null ? null : `${path}?${new URLSearchParams({ ...filters, cursor }).toString()}`;
}
