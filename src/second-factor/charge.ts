import { refusalOf, type Lane } from '../domain/throttle.ts';
import type { Clock } from '../clock.ts';
import type { AttemptStore } from '../attempt-store.ts';
import type { Charged } from './guard-store.ts';
import { tellOfFailedChallenge } from './tell-of-failures.ts';
import type { CodeAttempt, CodeOutcome, InSecondFactorTransaction, SecondFactorSettings } from './stores.ts';

export interface ChargeDependencies {
  readonly inTransaction: InSecondFactorTransaction;
  readonly attempts: AttemptStore;
  readonly settings: SecondFactorSettings;
  readonly clock: Clock;
  /** Whether many accounts are being guessed at just now. */
  readonly isBraked: () => Promise<boolean>;
}

export type ChargeOutcome = { readonly kind: 'charged'; readonly charged: Charged } | CodeOutcome;

/**
 * Takes the charge of one try before anything is compared, in a transaction of its own that is committed when this
 * returns: whatever breaks afterwards cannot lose a failure. The early refusal in front keeps a flood from the
 * database; where it does not answer, the charge alone decides.
 */
export async function chargeTry(
  attempt: CodeAttempt,
  units: number,
  { inTransaction, attempts, settings, clock, isBraked }: ChargeDependencies,
): Promise<ChargeOutcome> {
  const { userId, challengeId, boundTo } = attempt;
  const { limits } = settings;
  const early = await attempts
    .charge([
      { subject: `challenge:${challengeId}`, burst: limits.triesPerChallenge, refillSeconds: 600 },
      { subject: `code-address:${attempt.context.address}`, burst: 60, refillSeconds: 10 },
    ])
    .catch(() => 0);
  if (early > 0) {
    const open = await inTransaction(({ guards }) => guards.read(userId, challengeId));
    if (open === undefined || open.challenge.closed || open.challenge.tries >= limits.triesPerChallenge) {
      return { kind: 'challenge-spent' };
    }
    return { kind: 'wait', retryAfterSeconds: early };
  }
  const braked = await isBraked();
  const charged = await inTransaction(({ guards }) =>
    guards.charge({ challengeId, userId, boundTo, units, limits, braked }),
  );
  if (charged !== undefined) return { kind: 'charged', charged };
  const state = await inTransaction(({ guards }) => guards.read(userId, challengeId));
  if (state === undefined || state.boundTo !== boundTo) return { kind: 'challenge-spent' };
  return (
    refusalOf(state.guard, state.challenge, units, clock.epochSeconds(), limits, braked) ?? {
      // The state changed between the refusal and the explanation; the next try decides anew.
      kind: 'wait',
      retryAfterSeconds: 1,
    }
  );
}

/** What a failed try sets off: the end of the challenge, notices, the closing of a lane or of both. */
export async function afterFailure(
  attempt: CodeAttempt,
  charged: Charged,
  dependencies: Pick<ChargeDependencies, 'inTransaction' | 'settings'>,
): Promise<void> {
  const { limits } = dependencies.settings;
  const spent = charged.tries >= limits.triesPerChallenge;
  const tell = charged.total >= limits.tellAt;
  const laneClosed = charged.inARow === limits.inARowLimit;
  const capReached = charged.total >= limits.cap;
  const { userId, challengeId, context } = attempt;
  await dependencies.inTransaction(({ challengeHistory }) => challengeHistory.noteOrigin(challengeId, context));
  if (!spent && !tell && !laneClosed && !capReached) return;
  await dependencies.inTransaction(async (stores) => {
    const { guards, audit, outbox } = stores;
    const event = { actor: userId, target: userId, result: 'failure' as const, context };
    if (spent && (await guards.markSpent(challengeId))) {
      await audit.record({ ...event, type: 'challenge.spent', details: { lane: charged.lane } });
      await tellOfFailedChallenge(stores, userId, context);
    }
    if (tell && (await guards.raiseTold(userId, limits.tellAt))) {
      await outbox.enqueue({ kind: 'codes-guessed', userId, context });
    }
    if (laneClosed) {
      await audit.record({ ...event, type: 'lane.closed', details: { lane: charged.lane } });
      await outbox.enqueue({ kind: 'lane-closed', userId, context });
      const guard = await guards.readGuard(userId);
      if (other(guard.lanes, charged.lane).inARow >= limits.inARowLimit) {
        // NIST SP 800-63B-4 section 3.2.2: the authenticators are disabled and must be bound again.
        await stores.authenticators.removeAll(userId, 'both-lanes-closed');
        await stores.voidPassword(userId);
        await stores.forgetBrowsers(userId);
      }
    }
    if (capReached && (await guards.raiseTold(userId, limits.cap))) {
      await audit.record({ ...event, type: 'second-factor.closed' });
      await outbox.enqueue({ kind: 'second-factor-closed', userId, context });
    }
  });
}

function other<Value>(lanes: Readonly<Record<Lane, Value>>, lane: Lane): Value {
  return lanes[lane === 'known' ? 'other' : 'known'];
}
