import type { RequestContext } from '../domain/audit-event.ts';
import { isRecoveryCodeLike } from '../domain/recovery-code.ts';
import type { Lane } from '../domain/throttle.ts';
import { Fault } from '../errors.ts';
import type { createOpenChallenge } from '../second-factor/open-challenge.ts';
import type { createRedeemRecoveryCode } from '../second-factor/redeem-recovery-code.ts';
import type { createVerifyOneTimeCode } from '../second-factor/verify-one-time-code.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';

export interface ProveCodeDependencies {
  readonly records: ShortLivedRecords;
  readonly openChallenge: ReturnType<typeof createOpenChallenge>;
  readonly verifyOneTimeCode: ReturnType<typeof createVerifyOneTimeCode>;
  readonly redeemRecoveryCode: ReturnType<typeof createRedeemRecoveryCode>;
}

export interface CodeToProve {
  readonly userId: string;
  /** The session (or grant) in which the code is given; page and API share one challenge in it. */
  readonly boundTo: string;
  /** Epoch seconds at which the password was proven in it. */
  readonly signedInAt: number;
  readonly lane: Lane;
  readonly code: string;
  readonly context: RequestContext;
}

export type CodeProof =
  | { readonly kind: 'accepted'; readonly by: 'one-time-code' | 'recovery-code' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'clock-off'; readonly offsetSeconds: number }
  | { readonly kind: 'wait'; readonly retryAfterSeconds: number }
  /** Five wrong ones: no code is taken from this session before its password was proven anew. */
  | { readonly kind: 'sign-in-again' };

const challengeKind = 'account-challenge';
const spentKind = 'account-challenge-spent';
/** A little less than a challenge lives, so that one that ran out is never mistaken for one that was spent. */
const challengeSeconds = 570;
const daySeconds = 86_400;

/**
 * Takes a code as the fresh proof of one act. It shares lanes and totals with every other door, and after five wrong
 * ones the same session takes none until the person signed in again: a stolen session is no better place to guess.
 */
export function createProveCode(dependencies: ProveCodeDependencies) {
  const { records, openChallenge, verifyOneTimeCode, redeemRecoveryCode } = dependencies;

  return async ({ userId, boundTo, signedInAt, lane, code, context }: CodeToProve): Promise<CodeProof> => {
    const spentMark = `${boundTo}:${signedInAt}`;
    if ((await records.read(spentKind, spentMark)) !== undefined) return { kind: 'sign-in-again' };
    let challengeId = await records.read(challengeKind, boundTo);
    if (challengeId === undefined) {
      challengeId = await openChallenge({ userId, lane, purpose: 'account', boundTo });
      await records.put(challengeKind, boundTo, challengeId, challengeSeconds);
    }
    const attempt = { userId, challengeId, boundTo, lane, code, context };
    const isRecoveryCode = isRecoveryCodeLike(code);
    const outcome = isRecoveryCode ? await redeemRecoveryCode(attempt) : await verifyOneTimeCode(attempt);
    switch (outcome.kind) {
      case 'accepted':
        await records.remove(challengeKind, boundTo);
        return { kind: 'accepted', by: isRecoveryCode ? 'recovery-code' : 'one-time-code' };
      case 'challenge-spent': {
        // A right code that came at the same time closed it: then this one merely came too late.
        if ((await records.read(challengeKind, boundTo)) !== challengeId) return { kind: 'wrong' };
        await records.remove(challengeKind, boundTo);
        await records.put(spentKind, spentMark, 'spent', daySeconds);
        return { kind: 'sign-in-again' };
      }
      case 'closed':
        throw new Fault('second_factor_closed', 403, 'too many codes were guessed: a recovery code opens it again');
      case 'secret-unreadable':
        throw new Fault('secret_unreadable', 500, 'the stored secret of an authenticator does not open');
      case 'wait':
      case 'clock-off':
      case 'wrong':
        return outcome;
    }
  };
}
