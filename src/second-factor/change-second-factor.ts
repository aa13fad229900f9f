import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Proof } from '../domain/proof.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { newRecoveryCodeSet } from './recovery-code-set.ts';
import type { InSecondFactorTransaction } from './stores.ts';

export interface ChangeDependencies {
  readonly inTransaction: InSecondFactorTransaction;
  readonly hasher: PasswordHasher;
}

export type RemoveOutcome = { readonly kind: 'removed' } | { readonly kind: 'last-one' } | { readonly kind: 'unknown' };

/** The person's own changes. The caller has seen a fresh proof; ids are checked against their owner here. */
export function createChangeSecondFactor({ inTransaction, hasher }: ChangeDependencies) {
  return {
    /**
     * Removes one; the last one only where `mayBeLast`. With the last go recovery codes and known browsers. Every other
     * session ends: whoever held the removed one may have signed in with it. `keepSession` is the person's own.
     */
    remove: (
      userId: string,
      id: string,
      mayBeLast: boolean,
      context: RequestContext,
      provenBy: Proof,
    ): Promise<RemoveOutcome> =>
      inTransaction(async (stores) => {
        await stores.holdProof(userId, provenBy);
        const keepSession = 'sessionUid' in provenBy ? provenBy.sessionUid : null;
        const live = await stores.authenticators.listLive(userId);
        const label = live.find((authenticator) => authenticator.id === id)?.label;
        if (label === undefined) return { kind: 'unknown' };
        const last = live.length === 1;
        if (last && !mayBeLast) return { kind: 'last-one' };
        if (!(await stores.authenticators.remove(userId, id, 'removed'))) return { kind: 'unknown' };
        if (last) {
          await stores.authenticators.dropPending(userId);
          await stores.recoveryCodes.voidAll(userId, 'removed');
          await stores.forgetBrowsers(userId);
        }
        await stores.endOtherSessions(userId, keepSession);
        await stores.guards.clearFailuresInARow(userId);
        await stores.audit.record({
          type: 'authenticator.removed',
          actor: userId,
          target: userId,
          result: 'success',
          details: { authenticator: id, last },
          context,
        });
        await stores.outbox.enqueue({ kind: 'authenticator-removed', userId, details: { label }, context });
        return { kind: 'removed' };
      }),

    /** Answers whether there was such an authenticator of this person. */
    rename: (userId: string, id: string, label: string, context: RequestContext): Promise<boolean> =>
      inTransaction(async ({ authenticators, audit }) => {
        if (!(await authenticators.rename(userId, id, label.trim().slice(0, 60) || 'Authenticator app'))) return false;
        await audit.record({
          type: 'authenticator.renamed',
          actor: userId,
          target: userId,
          result: 'success',
          details: { authenticator: id },
          context,
        });
        return true;
      }),

    /** Ten new recovery codes, shown once; the old ones are void when this returns. */
    async replaceRecoveryCodes(userId: string, provenBy: Proof, context: RequestContext): Promise<readonly string[]> {
      const set = await newRecoveryCodeSet(hasher);
      await inTransaction(async ({ recoveryCodes, audit, outbox, holdProof }) => {
        await holdProof(userId, provenBy);
        await recoveryCodes.replace(userId, set.stored);
        await audit.record({
          type: 'recovery-codes.replaced',
          actor: userId,
          target: userId,
          result: 'success',
          context,
        });
        await outbox.enqueue({ kind: 'recovery-codes-replaced', userId, context });
      });
      return set.display;
    },
  };
}
