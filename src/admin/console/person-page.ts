import type { z } from 'zod';
import type { ShownAuditEvent } from '../../audit/export.ts';
import { isClosed, laneCondition } from '../../domain/throttle.ts';
import type { ConsoleGuard, ConsoleLane } from '../../http/console-pages.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import { covers } from '../access.ts';
import type { user } from '../api/user-schemas.ts';
import { actsOf, itemActsOf } from './acts.ts';
import { ask, frameOf, type ConsoleRequest, type Listed } from './console-request.ts';
import type { ShownGrant, ShownSession } from './items.ts';
import { consoleEvents, consoleUser } from './shown.ts';

/** All that support needs on one page: what a person has, what guessing did, what happened, and what may be done. */
export async function showUser(request: ConsoleRequest, id: string): Promise<void> {
  const { actor, services } = request;
  const params = { id };
  const shown = consoleUser(await ask<z.output<typeof user>>(request, 'getUser', { params }));
  const may = (scope: AdminScope): boolean => covers(actor.scopes, scope);
  const seesSessions = may('admin:sessions:read');
  const sessions = seesSessions ? await ask<Listed<ShownSession>>(request, 'listSessions', { params }) : undefined;
  const grants = seesSessions ? await ask<Listed<ShownGrant>>(request, 'listGrants', { params }) : undefined;
  const help = may('admin:second-factor')
    ? await ask<Listed<{ id: string; message: string; created_at: string }>>(request, 'listHelpRequests', {
        query: { user: id },
      })
    : undefined;
  const recent = may('admin:audit:read')
    ? await ask<Listed<ShownAuditEvent>>(request, 'listAuditEvents', { query: { person: id, limit: '20' } })
    : undefined;
  services.views.page(request.ctx, 'console-user', {
    ...frameOf(request),
    user: shown,
    acts: await actsOf(request, shown),
    itemActs: itemActsOf(actor, shown),
    guard: await guardOf(request, id),
    sessions: (sessions?.items ?? []).map((one) => ({
      id: one.id,
      userAgent: one.user_agent,
      address: one.address,
      lastSeenAt: new Date(one.last_seen_at),
    })),
    grants: await Promise.all(
      (grants?.items ?? []).map(async (one) => ({
        id: one.id,
        client: { id: one.client_id, name: await services.admin.clientName(one.client_id) },
        scopes: one.scopes,
        createdAt: new Date(one.created_at),
      })),
    ),
    help: (help?.items ?? []).map((one) => ({
      id: one.id,
      message: one.message,
      createdAt: new Date(one.created_at),
    })),
    recent: await consoleEvents(services.admin.directory, recent?.items ?? []),
  });
}

async function guardOf({ services }: ConsoleRequest, id: string): Promise<ConsoleGuard> {
  const { limits, epochSeconds, readGuard } = services.admin;
  const guard = await readGuard(id);
  const lane = (name: 'known' | 'other'): ConsoleLane => {
    const condition = laneCondition(guard, name, epochSeconds(), limits);
    return { kind: condition.kind, until: condition.kind === 'waits' ? new Date(condition.until * 1000) : null };
  };
  return {
    units: guard.total,
    cap: limits.cap,
    passwordMustChange: guard.total >= limits.changePasswordAt && !isClosed(guard, limits),
    lanes: { known: lane('known'), other: lane('other') },
  };
}
