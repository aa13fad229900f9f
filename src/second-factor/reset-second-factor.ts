import type { RequestContext } from '../domain/audit-event.ts';
import { Conflict, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { SecondFactorStores } from './stores.ts';

/** What an operator's reset needs beside the second factor, in the same transaction. */
export interface ResetStores extends SecondFactorStores {
  /** Ends sessions and refresh tokens. */
  readonly endSessions: (userId: string) => Promise<unknown>;
  /** A single-use link (24 hours) that sets password and authenticator in one act. */
  readonly issueRecoveryLink: (userId: string) => Promise<string>;
  readonly hasAddress: (userId: string) => Promise<boolean>;
}

export interface OperatorAct {
  readonly userId: string;
  /** Who acts: an operator's id or `command-line`. */
  readonly actor: string;
  readonly reason: string;
  readonly context: RequestContext;
}

/**
 * An operator's reset: the password becomes void with the authenticators, so that whoever holds the old password cannot
 * be the first to enrol. Answers the token of the recovery link.
 */
export function createResetSecondFactor(inTransaction: InTransaction<ResetStores>) {
  return {
    reset: (act: OperatorAct): Promise<string> =>
      inTransaction(async (stores) => {
        const before = await describe(stores, act.userId);
        return finish(stores, act, 'second-factor.reset', async (userId) => {
          const authenticators = await stores.authenticators.removeAll(userId, 'reset');
          await stores.recoveryCodes.voidAll(userId, 'reset');
          return { authenticators, before };
        });
      }),

    /** Opens what guessing closed; the authenticators stay, the password the guesser knows does not. */
    reopen: (act: OperatorAct): Promise<string> =>
      inTransaction(async (stores) => {
        const before = await describe(stores, act.userId);
        return finish(stores, act, 'second-factor.reopened', () => Promise.resolve({ before }));
      }),

    /** Removes one of several; the last one goes by a reset alone. Throws `NotFound`, `Conflict` (`last_authenticator`). */
    removeOne: ({ userId, actor, reason, context }: OperatorAct, id: string): Promise<void> =>
      inTransaction(async (stores) => {
        const live = await stores.authenticators.listLive(userId);
        const found = live.find((authenticator) => authenticator.id === id);
        if (found === undefined) throw new NotFound('this person has no such authenticator');
        if (live.length === 1) throw new Conflict('last_authenticator', 'the last authenticator is removed by a reset');
        await stores.endSessions(userId);
        if (!(await stores.authenticators.remove(userId, id, 'operator'))) {
          throw new NotFound('this person has no such authenticator');
        }
        await stores.audit.record({
          type: 'authenticator.removed',
          actor,
          target: userId,
          result: 'success',
          ...(reason === '' ? {} : { reason }),
          details: { authenticator: id, last: false },
          context,
        });
        await stores.outbox.enqueue({
          kind: 'authenticator-removed',
          userId,
          details: { label: found.label },
          context,
        });
      }),
  };

  async function finish(
    stores: ResetStores,
    { userId, actor, reason, context }: OperatorAct,
    type: 'second-factor.reset' | 'second-factor.reopened',
    work: (userId: string) => Promise<Readonly<Record<string, string | number>>>,
  ): Promise<string> {
    // The person first, then what is theirs, in the order in which every act locks them.
    await stores.voidPassword(userId);
    await stores.endSessions(userId);
    const details = await work(userId);
    await stores.forgetBrowsers(userId);
    await stores.guards.clear(userId);
    const link = await stores.issueRecoveryLink(userId);
    const after = await describe(stores, userId);
    const event = { type, actor, target: userId, result: 'success' as const, reason, context };
    await stores.audit.record({ ...event, details: { ...details, after } });
    await stores.outbox.enqueue({ kind: 'second-factor-reset', userId });
    if (await stores.hasAddress(userId)) {
      await stores.outbox.enqueue({ kind: 'recovery-link', userId, token: link });
    }
    return link;
  }
}

/** What a person had, for the record: `authenticators=2 recovery-codes=10 guesses=0`. */
async function describe({ authenticators, recoveryCodes, guards }: ResetStores, userId: string): Promise<string> {
  const live = await authenticators.listLive(userId);
  const codes = await recoveryCodes.countUnused(userId);
  const { total } = await guards.readGuard(userId);
  return `authenticators=${live.length} recovery-codes=${codes} guesses=${total}`;
}
