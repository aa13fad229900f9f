import { createAccountSessions } from '../account/account-session.ts';
import type { AdminServices } from '../admin/admin-services.ts';
import type { ConsoleServices } from '../admin/console/console-request.ts';
import type { InteractionParts } from './interaction-services.ts';

export interface ConsoleParts extends InteractionParts {
  readonly admin: AdminServices;
  /** Path of the issuer. */
  readonly prefix: string;
}

/** What the console is given: the same session as the account page reads, under a client of its own. */
export function createConsoleServices(parts: ConsoleParts): ConsoleServices {
  const { services, admin, views, csrf, cookies, requestContext, prefix, provider } = parts;
  const { inTransaction, settings, clock } = services;
  const sessions = createAccountSessions({
    provider,
    cookies,
    findUser: admin.findUser,
    issuer: settings.issuer,
    epochSeconds: () => clock.epochSeconds(),
    surface: 'admin',
    freshSeconds: settings.adminFreshSeconds,
  });
  return {
    admin,
    views,
    csrf,
    prefix,
    requestContext,
    sessions: {
      ...sessions,
      end: ({ uid, user }, context) =>
        inTransaction(async ({ sessions: stored, audit }) => {
          await stored.end(uid, 'sign-out');
          const event = { actor: user.id, target: user.id, result: 'success', reason: 'sign-out', context } as const;
          await audit.record({ ...event, type: 'session.ended' });
        }),
    },
  };
}
