import { hashToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { isRecoveryCodeLike } from '../domain/recovery-code.ts';
import { isClosed, type ThrottleLimits } from '../domain/throttle.ts';
import type { User } from '../domain/user.ts';
import { Fault } from '../errors.ts';
import type { FormError } from '../http/page-parts.ts';
import type { createOpenChallenge } from '../second-factor/open-challenge.ts';
import type { createRedeemRecoveryCode } from '../second-factor/redeem-recovery-code.ts';
import type { SecondFactorStores } from '../second-factor/stores.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import type { InTransaction } from '../transaction.ts';
import type { createSetPassword } from '../users/set-password.ts';
import type { UsersStores } from '../users/stores.ts';

export interface ResetDependencies {
  readonly inTransaction: InTransaction<UsersStores & SecondFactorStores>;
  readonly records: ShortLivedRecords;
  readonly secondFactor: { readonly limits: ThrottleLimits };
  readonly setPassword: ReturnType<typeof createSetPassword>;
  readonly openChallenge: ReturnType<typeof createOpenChallenge>;
  readonly redeemRecoveryCode: ReturnType<typeof createRedeemRecoveryCode>;
}

export interface OpenedReset {
  readonly user: User;
  /** Guessing closed the second factor: a recovery code in the same act opens it, the new password alone does not. */
  readonly closed: boolean;
}

export type ResetOutcome =
  | { readonly kind: 'done'; readonly userId: string; readonly opened: boolean }
  | { readonly kind: 'refused'; readonly error: FormError };

class NotProven extends Error {
  readonly refusal: FormError;

  constructor(refusal: FormError) {
    super('no second factor was proven in the same act');
    this.refusal = refusal;
  }
}

const recordKind = 'reset-challenge';

/**
 * A new password by a mailed link. It signs nobody in, and leaves second factor and guesses as they are; where guessing
 * closed the second factor, a recovery code in the same act opens it (NIST SP 800-63B-4 section 3.2.2: an authenticator
 * that was unbound stays so, and a new one is bound at the next sign-in).
 */
export function createResetByLink(dependencies: ResetDependencies) {
  const { inTransaction, records, secondFactor, setPassword, openChallenge, redeemRecoveryCode } = dependencies;
  const purposes = ['password-reset'] as const;

  async function open(token: string): Promise<OpenedReset> {
    return inTransaction(async ({ links, users, guards }) => {
      const link = await links.peek(hashToken(token), purposes);
      const user = link?.userId == null ? undefined : await users.find(link.userId);
      if (user === undefined || user.disabledAt !== null) throw linkUsed();
      return { user, closed: isClosed(await guards.readGuard(user.id), secondFactor.limits) };
    });
  }

  async function complete(
    token: string,
    request: { readonly password: string; readonly code: string },
    context: RequestContext,
  ): Promise<ResetOutcome> {
    const { user, closed } = await open(token);
    const { id: userId } = user;
    const proves = closed && request.code.trim() !== '';
    const outcome = await setPassword({
      userId,
      names: [user.username, user.email ?? ''],
      password: request.password,
      secondFactorProven: proves,
      ...(proves && {
        prove: async () => {
          const refusal = await redeem(userId, hashToken(token), request.code, context);
          if (refusal !== undefined) throw new NotProven(refusal);
        },
      }),
      link: { tokenHash: hashToken(token), purposes },
      provenBy: undefined,
      type: 'password.reset',
      context,
    }).catch((error: unknown) => {
      if (error instanceof NotProven) return error;
      throw error;
    });
    if (outcome instanceof NotProven) return refused(outcome.refusal);
    const field = 'password';
    switch (outcome.kind) {
      case 'set':
        break;
      case 'too-short':
        return refused({ code: 'password-too-short', field, values: { least: outcome.least } });
      case 'too-long':
        return refused({ code: 'password-too-long', field, values: { most: outcome.most } });
      case 'common':
        return refused({ code: 'password-common', field });
    }
    if (proves) {
      const event = { actor: userId, target: userId, result: 'success', reason: 'recovery-code', context } as const;
      await inTransaction(({ audit }) => audit.record({ ...event, type: 'second-factor.reopened' }));
    }
    return { kind: 'done', userId, opened: proves };
  }

  /** The tries of one link share a challenge, and so the five tries and the waits of every other door. */
  async function redeem(
    userId: string,
    boundTo: string,
    code: string,
    context: RequestContext,
  ): Promise<FormError | undefined> {
    if (!isRecoveryCodeLike(code)) return { code: 'wrong-recovery-code', field: 'code' };
    let challengeId = await records.read(recordKind, boundTo);
    if (challengeId === undefined || challengeId === null) {
      challengeId = await openChallenge({ userId, lane: 'other', purpose: 'reset', boundTo });
      await records.put(recordKind, boundTo, challengeId, 600);
    }
    const outcome = await redeemRecoveryCode({ userId, challengeId, boundTo, lane: 'other', code, context });
    if (outcome.kind === 'accepted') {
      await records.remove(recordKind, boundTo);
      return undefined;
    }
    if (outcome.kind === 'wait') return { code: 'wait', field: 'code', values: { seconds: outcome.retryAfterSeconds } };
    if (outcome.kind === 'challenge-spent') await records.remove(recordKind, boundTo);
    return { code: 'wrong-recovery-code', field: 'code' };
  }

  return { open, complete };
}

function refused(error: FormError): ResetOutcome {
  return { kind: 'refused', error };
}

function linkUsed(): Fault {
  return new Fault('link_used', 410, 'this link was used before or has expired');
}
