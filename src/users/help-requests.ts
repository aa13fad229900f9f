import type { AuditLog } from '../audit/audit-log.ts';
import type { AttemptStore } from '../attempt-store.ts';
import { newId } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { cleanLine } from '../domain/audit-text.ts';
import { foldLogin, longestLogin } from '../domain/login-name.ts';
import { Conflict, InvalidInput, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { HelpRequest, HelpRequestStore } from './help-request-store.ts';

export interface HelpRequestStores {
  readonly helpRequests: HelpRequestStore;
  readonly audit: AuditLog;
}

export interface HelpRequestDependencies {
  readonly inTransaction: InTransaction<HelpRequestStores>;
  readonly attempts: AttemptStore;
}

export const longestHelpMessage = 1000;
/** Requests of one person that may wait at once: a stranger's must not keep the person's own out. */
const mostOpen = 5;

/** Requests for help, by people who have neither factor nor recovery code, and what operators do with them. */
export function createHelpRequests({ inTransaction, attempts }: HelpRequestDependencies) {
  return {
    /**
     * Leaves a request. Answers nothing: whoever asks has proven nothing, and learns neither whether the name exists nor
     * whether it was the tenth request today.
     */
    async request(input: { readonly login: string; readonly message: string }, context: RequestContext): Promise<void> {
      const login = foldLogin(input.login.slice(0, longestLogin + 1));
      const wait = await attempts
        .charge([
          { subject: `help-address:${context.address}`, burst: 5, refillSeconds: 600 },
          { subject: `help-name:${login}`, burst: 3, refillSeconds: 3600 },
        ])
        // Without the shared counters nothing bounds the rows.
        .catch(() => 1);
      if (wait > 0) return;
      await inTransaction(async ({ helpRequests, audit }) => {
        const message = input.message
          .replaceAll(/[^\P{C}\n]/gu, ' ')
          .trim()
          .slice(0, longestHelpMessage);
        const { address, userAgent } = context;
        const stored = { id: newId(), login, message, address: cleanLine(address), userAgent: cleanLine(userAgent) };
        const userId = await helpRequests.insert(stored, mostOpen);
        if (userId === undefined) return;
        await audit.record({ type: 'help.requested', actor: 'anonymous', target: userId, result: 'success', context });
      });
    },

    /** Oldest first; by default those that wait. `after` is the id of the last one seen. */
    list: (
      filter: { open?: boolean | undefined; userId?: string | undefined; after?: string | undefined },
      limit: number,
    ): Promise<HelpRequest[]> => inTransaction(({ helpRequests }) => helpRequests.list({ ...filter, limit })),

    find: async (id: string): Promise<HelpRequest> => {
      const found = await inTransaction(({ helpRequests }) => helpRequests.find(id));
      if (found === undefined) throw new NotFound('no such request for help');
      return found;
    },

    /** Closes a request; what was done (a reset, a call) is the operator's own act and stands in `answer` as words. */
    answer: (id: string, answer: string, actor: string, context: RequestContext): Promise<HelpRequest> => {
      const text = cleanLine(answer).trim();
      if (text === '') throw new InvalidInput('answer', 'say in a few words what was done');
      return inTransaction(async ({ helpRequests, audit }) => {
        const request = await helpRequests.find(id);
        if (request === undefined) throw new NotFound('no such request for help');
        if (!(await helpRequests.answer(id, actor, text))) {
          throw new Conflict('already_answered', 'this request was answered before');
        }
        await audit.record({
          type: 'help.answered',
          actor,
          target: request.userId,
          result: 'success',
          reason: text,
          context,
        });
        return (await helpRequests.find(id)) ?? request;
      });
    },
  };
}
