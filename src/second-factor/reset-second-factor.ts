import type { RequestContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';
import type { SecondFactorStores } from './stores.ts';

/** What an operator's reset needs beside the second factor, in the same transaction. */
export interface ResetStores extends SecondFactorStores {
  /** Ends sessions and refresh tokens. */
  readonly endSessions: (userId: string) => Promise<void>;
  /** A single-use link (24 hours) that sets password and authenticator in one act. */
  readonly issueRecoveryLink: (userId: string) => Promise<string>;
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
        const { userId } = act;
        const removed = await stores.authenticators.removeAll(userId, 'reset');
        await stores.recoveryCodes.voidAll(userId, 'reset');
        return finish(stores, act, 'second-factor.reset', { authenticators: removed });
      }),

    /** Opens what guessing closed; the authenticators stay, the password the guesser knows does not. */
    reopen: (act: OperatorAct): Promise<string> =>
      inTransaction((stores) => finish(stores, act, 'second-factor.reopened', {})),
  };

  async function finish(
    stores: ResetStores,
    { userId, actor, reason, context }: OperatorAct,
    type: 'second-factor.reset' | 'second-factor.reopened',
    details: Record<string, number>,
  ): Promise<string> {
    await stores.voidPassword(userId);
    await stores.forgetBrowsers(userId);
    await stores.guards.clear(userId);
    await stores.endSessions(userId);
    const link = await stores.issueRecoveryLink(userId);
    await stores.audit.record({ type, actor, target: userId, result: 'success', reason, details, context });
    await stores.outbox.enqueue({ kind: 'second-factor-reset', userId });
    return link;
  }
}
