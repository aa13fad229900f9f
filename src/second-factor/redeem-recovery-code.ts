import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Proof } from '../domain/proof.ts';
import { layIntoPattern, readRecoveryCode } from '../domain/recovery-code.ts';
import { afterFailure, chargeTry, type ChargeDependencies } from './charge.ts';
import type { StoredRecoveryCode } from './recovery-code-store.ts';
import type { Acceptance, CodeAttempt, CodeOutcome } from './stores.ts';

export interface RedeemDependencies extends ChargeDependencies {
  readonly hasher: PasswordHasher;
}

export type RedeemOutcome = (Acceptance & { readonly remaining: number }) | CodeOutcome;

class NotAccepted extends Error {}

/**
 * Redeems a recovery code once. It shares the five tries of the challenge and the waits of the lane, but costs no units:
 * at 80 bits there is nothing to guess, and the way back must not be closed by somebody else's guesses.
 */
export function createRedeemRecoveryCode(dependencies: RedeemDependencies) {
  const { inTransaction, hasher, settings } = dependencies;

  /** With `provenBy`, throws `Fault` (`sign_in_gone`, 400) where that does not stand any more, and uses no code up. */
  return async (attempt: CodeAttempt, provenBy?: Proof): Promise<RedeemOutcome> => {
    const { userId, challengeId, context } = attempt;
    const charge = await chargeTry({ ...attempt, factor: 'recovery-code' }, dependencies);
    if (charge.kind !== 'charged') return charge;
    const stored = await inTransaction(({ recoveryCodes }) => recoveryCodes.listUnused(userId));
    const found = await findMatching(stored, attempt.code, hasher);
    const event = { actor: userId, target: userId, context, details: { tries: charge.charged.tries } };
    if (found !== undefined) {
      try {
        return await inTransaction(async ({ recoveryCodes, guards, audit, outbox, holdProof }) => {
          if (provenBy !== undefined) await holdProof(userId, provenBy);
          if (!(await recoveryCodes.use(userId, found.id))) throw new NotAccepted();
          const total = await guards.settle(userId, challengeId);
          if (total === undefined) throw new NotAccepted();
          const remaining = await recoveryCodes.countUnused(userId);
          await audit.record({ ...event, type: 'recovery-code.accepted', result: 'success' });
          await outbox.enqueue({ kind: 'recovery-code-used', userId, details: { remaining }, context });
          return {
            kind: 'accepted' as const,
            remaining,
            passwordMustChange: total >= settings.limits.changePasswordAt,
          };
        });
      } catch (error) {
        if (!(error instanceof NotAccepted)) throw error;
      }
    }
    await inTransaction(({ audit }) =>
      audit.record({ ...event, type: 'recovery-code.refused', result: 'failure', reason: found ? 'replay' : 'wrong' }),
    );
    return afterFailure(attempt, charge.charged, dependencies);
  };
}

/** One of our own codes names its row, so one hash is one try; imported ones are all compared. */
async function findMatching(
  stored: readonly StoredRecoveryCode[],
  typed: string,
  hasher: PasswordHasher,
): Promise<StoredRecoveryCode | undefined> {
  const own = readRecoveryCode(typed);
  let found: StoredRecoveryCode | undefined;
  let hashed = 0;
  for (const candidate of stored) {
    const text =
      candidate.pattern !== null
        ? layIntoPattern(typed, candidate.pattern)
        : own !== undefined && own.prefix === candidate.prefix
          ? own.normalised
          : undefined;
    if (text === undefined) continue;
    hashed += 1;
    if (await hasher.verify(candidate.hash, text)) found ??= candidate;
  }
  if (hashed === 0) await hasher.verifyDummy(typed.slice(0, 128));
  return found;
}
