import { hashToken } from '../crypto/random.ts';
import { serviceContext } from '../domain/audit-event.ts';
import { bothLanesClosed, challengeLifetimeSeconds, refusalOf } from '../domain/throttle.ts';
import type { Clock } from '../clock.ts';
import type { AttemptStore } from '../attempt-store.ts';
import type { Charged, ChargeRequest } from './guard-store.ts';
import { tellOfFailedChallenge } from './tell-of-failures.ts';
import type {
  CodeAttempt,
  CodeOutcome,
  InSecondFactorTransaction,
  SecondFactorSettings,
  SecondFactorStores,
} from './stores.ts';

export interface ChargeDependencies {
  readonly inTransaction: InSecondFactorTransaction;
  /** For acts of one statement, which is a transaction by itself. */
  readonly byOneStatement: InSecondFactorTransaction;
  readonly attempts: AttemptStore;
  readonly settings: SecondFactorSettings;
  readonly clock: Clock;
  /** Whether many accounts are being guessed at just now. */
  readonly isBraked: () => Promise<boolean>;
  /** The network an address belongs to: those who share one share a budget. */
  readonly networkOf: (address: string) => string;
}

export interface TriedCode extends CodeAttempt, Pick<ChargeRequest, 'factor' | 'authenticatorId'> {}

export type ChargeOutcome = { readonly kind: 'charged'; readonly charged: Charged } | CodeOutcome;

/**
 * Takes the charge of one try before anything is compared, by one statement of its own that is committed when this
 * returns: whatever breaks afterwards cannot lose a failure. The early refusal in front keeps a flood from the
 * database; where it does not answer, the charge alone decides.
 */
export async function chargeTry(
  attempt: TriedCode,
  { inTransaction, byOneStatement, attempts, settings, clock, isBraked, networkOf }: ChargeDependencies,
): Promise<ChargeOutcome> {
  const { userId, challengeId, factor, authenticatorId } = attempt;
  const boundTo = hashToken(attempt.boundTo);
  const { limits } = settings;
  const early = await refuseEarly(attempt, { attempts, settings, networkOf });
  if (early !== undefined) return early;
  const braked = await isBraked();
  const charged = await byOneStatement(({ guards }) =>
    guards.charge({ challengeId, userId, boundTo, factor, authenticatorId, limits, braked }),
  );
  if (charged !== undefined) return { kind: 'charged', charged };
  const [state, units] = await inTransaction(async (stores) => [
    await stores.guards.read(userId, challengeId),
    await unitsOf(attempt, stores),
  ]);
  if (state === undefined || state.boundTo !== boundTo) return { kind: 'challenge-spent' };
  const refusal = refusalOf(state.guard, state.challenge, units, clock.epochSeconds(), limits, braked);
  // A replica that died right after the last charge could not do what that failure sets off; the next try does.
  if (refusal?.kind === 'closed' && bothLanesClosed(state.guard, limits)) {
    await inTransaction((stores) => unbind(stores, userId));
  }
  // Where the state changed between the refusal and the explanation, the next try decides anew.
  return refusal ?? { kind: 'wait', retryAfterSeconds: 1 };
}

/** What the try would have cost, for the explanation of a refusal; the charge counts for itself. */
async function unitsOf({ userId, factor, authenticatorId }: TriedCode, stores: SecondFactorStores): Promise<number> {
  if (factor === 'recovery-code') return 0;
  const live = await stores.authenticators.listLive(userId);
  return Math.max(1, live.filter(({ id }) => authenticatorId === undefined || id === authenticatorId).length);
}

/**
 * The counters that keep a flood away from the database: per challenge, per person and lane, per network. They are wider than
 * the durable limits, so they hold up nobody whom the charge would let pass; without them the charge alone decides.
 */
async function refuseEarly(
  { userId, challengeId, lane, context }: CodeAttempt,
  { attempts, settings, networkOf }: Pick<ChargeDependencies, 'attempts' | 'settings' | 'networkOf'>,
): Promise<CodeOutcome | undefined> {
  const tries = {
    subject: `challenge:${challengeId}`,
    burst: settings.limits.triesPerChallenge,
    refillSeconds: challengeLifetimeSeconds,
  };
  const shared = [
    { subject: `code-person:${userId}:${lane}`, burst: 60, refillSeconds: 30 },
    { subject: `code-address:${networkOf(context.address)}`, burst: 120, refillSeconds: 5 },
  ];
  try {
    const wait = await attempts.charge([tries, ...shared]);
    if (wait === 0) return undefined;
    const ofChallenge = await attempts.charge([tries]);
    return ofChallenge > 0 ? { kind: 'challenge-spent' } : { kind: 'wait', retryAfterSeconds: wait };
  } catch {
    return undefined;
  }
}

/**
 * What a failed try sets off: the end of the challenge, notices, the closing of a lane or of both. Answers what the
 * person is told: that it was wrong, or, with the last try of the challenge, that sign-in starts again.
 */
export async function afterFailure(
  attempt: CodeAttempt,
  charged: Charged,
  dependencies: Pick<ChargeDependencies, 'inTransaction' | 'settings'>,
): Promise<CodeOutcome> {
  const { limits } = dependencies.settings;
  const spent = charged.tries >= limits.triesPerChallenge;
  const tell = charged.total >= limits.tellAt;
  const laneClosed = charged.inARow === limits.inARowLimit;
  const capReached = charged.total >= limits.cap;
  const outcome: CodeOutcome = spent ? { kind: 'challenge-spent' } : { kind: 'wrong' };
  const { userId, challengeId, context } = attempt;
  await dependencies.inTransaction(({ challengeHistory }) => challengeHistory.noteOrigin(challengeId, context));
  if (!spent && !tell && !laneClosed && !capReached) return outcome;
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
      if (bothLanesClosed(guard, limits)) await unbind(stores, userId);
    }
    if (capReached && (await guards.raiseTold(userId, limits.cap))) {
      await audit.record({ ...event, type: 'second-factor.closed' });
      await outbox.enqueue({ kind: 'second-factor-closed', userId, context });
    }
  });
  return outcome;
}

/**
 * Both lanes saw too many failures: the authenticators are unbound and the password is void (NIST SP 800-63B-4 section
 * 3.2.2). Back in leads a new password with a recovery code, which binds an authenticator anew, or an operator.
 */
async function unbind(stores: SecondFactorStores, userId: string): Promise<void> {
  if ((await stores.authenticators.removeAll(userId, 'both-lanes-closed')) === 0) return;
  await stores.voidPassword(userId);
  await stores.forgetBrowsers(userId);
  await stores.audit.record({
    type: 'password.voided',
    actor: 'service',
    target: userId,
    result: 'success',
    context: serviceContext,
  });
}
