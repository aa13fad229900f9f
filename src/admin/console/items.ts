import type { z } from 'zod';
import { NotFound } from '../../errors.ts';
import type { ConsoleItemAct } from '../../http/console-pages.ts';
import type { user } from '../api/user-schemas.ts';
import { ask, type ConsoleRequest, type Listed } from './console-request.ts';
import { consoleUser } from './shown.ts';

/** A session of the API. */
export interface ShownSession {
  readonly id: string;
  readonly user_agent: string;
  readonly address: string;
  readonly last_seen_at: string;
}
/** A grant of the API. */
export interface ShownGrant {
  readonly id: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly created_at: string;
}

/** What an act on one thing of a person is about, in a word or two; throws NotFound for what is not theirs. */
export async function itemName(
  request: ConsoleRequest,
  userId: string,
  act: ConsoleItemAct,
  item: string,
): Promise<string> {
  const params = { id: userId };
  const found = await (async (): Promise<string | undefined> => {
    switch (act) {
      case 'remove-authenticator': {
        const { authenticators } = consoleUser(await ask<z.output<typeof user>>(request, 'getUser', { params }));
        return authenticators.find(({ id }) => id === item)?.label;
      }
      case 'end-session': {
        const { items } = await ask<Listed<ShownSession>>(request, 'listSessions', { params, query: { limit: '200' } });
        return items.find(({ id }) => id === item)?.address;
      }
      case 'end-grant': {
        const { items } = await ask<Listed<ShownGrant>>(request, 'listGrants', { params, query: { limit: '200' } });
        const grant = items.find(({ id }) => id === item);
        return grant && request.services.admin.clientName(grant.client_id);
      }
    }
  })();
  if (found === undefined) throw new NotFound();
  return found;
}
