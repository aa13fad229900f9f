import { Conflict } from '../errors.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import { SecretUnreadable } from '../crypto/secret-box.ts';
import { checkOneTimeCode, learnDrift, normaliseOneTimeCode, type CodeCheck } from '../domain/totp.ts';
import { afterFailure, chargeTry, type ChargeDependencies } from './charge.ts';
import type { Charged, ComparedAuthenticator } from './guard-store.ts';
import { secretContext } from './secret-context.ts';
import type {
  Acceptance,
  Beside,
  CodeAttempt,
  CodeOutcome,
  Following,
  InSecondFactorTransaction,
  SecondFactorStores,
} from './stores.ts';
import type { AtOnce, InOneTrip } from '../transaction.ts';
import type { AuditEvent } from '../domain/audit-event.ts';

export interface VerifyDependencies<Stores extends SecondFactorStores> extends ChargeDependencies {
  readonly inOneTrip: InOneTrip<Stores>;
  readonly atOnce: AtOnce<Stores>;
  readonly secretBox: SecretBox;
  /** Told of every secret that does not open, for the alarm. */
  readonly onUnreadableSecret: (userId: string) => void;
}

export interface OneTimeCodeAttempt<Stores = SecondFactorStores> extends CodeAttempt {
  /** The one authenticator the person chose. */
  readonly authenticatorId?: string;
  readonly beside?: Beside<Stores> | undefined;
}

export type VerifyOutcome = AcceptedCode | CodeOutcome;

export interface AcceptedCode extends Acceptance {
  readonly authenticatorId: string;
  /** Whether what was to follow is written already. */
  readonly isFollowed: boolean;
}

/**
 * Compares one code with the person's authenticators, or with the one they chose. Order: early refusal, charge
 * (committed), secrets opened, comparison, acceptance once. Nothing is compared that was not charged.
 */
export function createVerifyOneTimeCode<Stores extends SecondFactorStores>(dependencies: VerifyDependencies<Stores>) {
  const { inTransaction, inOneTrip, atOnce, settings, clock, secretBox, onUnreadableSecret } = dependencies;

  return async (attempt: OneTimeCodeAttempt<Stores>): Promise<VerifyOutcome> => {
    const { userId, context, beside } = attempt;
    const byOneStatement: InSecondFactorTransaction = async (work) => {
      if (beside === undefined) return dependencies.byOneStatement(work);
      // The charge last: the rows it locks are then free again at once, however many wait for them.
      const [, result] = await atOnce((stores) => Promise.all([beside.read(stores), work(stores)]));
      return result;
    };
    const charge = await chargeTry({ ...attempt, factor: 'one-time-code' }, { ...dependencies, byOneStatement });
    if (charge.kind !== 'charged') return charge;
    const { authenticators, units } = charge.charged;

    let best: { authenticator: ComparedAuthenticator; check: CodeCheck } | undefined;
    try {
      for (const authenticator of authenticators) {
        const check = compare(authenticator, attempt.code);
        if (best === undefined || rank(check) > rank(best.check)) best = { authenticator, check };
      }
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error;
      onUnreadableSecret(userId);
      await record('second-factor.unreadable', 'unreadable');
      return { kind: 'secret-unreadable' };
    }
    if (best?.check.kind === 'match') {
      const accepted = await accept(
        attempt,
        best.authenticator,
        best.check.timeStep,
        best.check.offset,
        charge.charged,
      );
      if (accepted !== undefined) return accepted;
      // Another request was faster with the same code, or the challenge was used: a replay like any other.
      await inTransaction(({ guards }) => guards.giveBack(userId, attempt.challengeId, units));
      return refuse(attempt, charge.charged, 'replay');
    }
    if (best?.check.kind === 'replayed') {
      await inTransaction(({ guards }) => guards.giveBack(userId, attempt.challengeId, units));
      return refuse(attempt, charge.charged, 'replay');
    }
    if (best?.check.kind === 'far') return far(attempt, best.authenticator, best.check, charge.charged);
    return refuse(attempt, charge.charged, 'wrong');

    async function record(type: 'second-factor.unreadable', reason: string): Promise<void> {
      await inTransaction(({ audit }) =>
        audit.record({ type, actor: userId, target: userId, result: 'failure', reason, context }),
      );
    }
  };

  function compare(authenticator: ComparedAuthenticator, typed: string): CodeCheck {
    const secret = secretBox.open(authenticator.secretSealed, secretContext(authenticator));
    const code = normaliseOneTimeCode(typed, authenticator.digits);
    if (code === undefined) return { kind: 'wrong' };
    const check = checkOneTimeCode({
      parameters: { ...authenticator, secret },
      code,
      driftSteps: authenticator.driftSteps,
      lastStep: authenticator.lastStep,
      nowSeconds: clock.epochSeconds(),
      windowSteps: settings.windowSteps,
    });
    return 'timeStep' in check && authenticator.spentSteps.includes(check.timeStep)
      ? { kind: 'replayed', timeStep: check.timeStep }
      : check;
  }

  async function accept(
    attempt: OneTimeCodeAttempt<Stores>,
    authenticator: ComparedAuthenticator,
    timeStep: number,
    offset: number,
    charged: Charged,
  ): Promise<VerifyOutcome | undefined> {
    const { userId, challengeId, context, beside } = attempt;
    const accepted: AuditEvent = {
      type: 'one-time-code.accepted',
      actor: userId,
      target: userId,
      result: 'success',
      details: { authenticator: authenticator.id, offset, tries: charged.tries, lane: charged.lane },
      context,
    };
    const following = beside?.follow();
    // Where what was read beside the charge does not stand any more, nothing follows; the code is right all the same.
    return (await acceptWith(following)) ?? (following && (await acceptWith(undefined)));

    async function acceptWith(also: Following<Stores> | undefined): Promise<AcceptedCode | undefined> {
      try {
        const [, total] = await inOneTrip([userId], (stores) =>
          Promise.all([
            stores.authenticators.accept(
              userId,
              authenticator.id,
              timeStep,
              learnDrift(authenticator.driftSteps, offset),
            ),
            stores.guards.settleOrFail(userId, challengeId),
            stores.audit.recordAll([accepted, ...(also?.events ?? [])]),
            also?.write(stores),
          ]),
        );
        const isFollowed = also !== undefined;
        const passwordMustChange = total >= settings.limits.changePasswordAt;
        return { kind: 'accepted', authenticatorId: authenticator.id, passwordMustChange, isFollowed };
      } catch (error) {
        if (error instanceof Conflict && error.code === 'lost_race') return undefined;
        throw error;
      }
    }
  }

  async function refuse(attempt: CodeAttempt, charged: Charged, reason: string): Promise<CodeOutcome> {
    const { userId, context } = attempt;
    await inTransaction(({ audit }) =>
      audit.record({
        type: 'one-time-code.refused',
        actor: userId,
        target: userId,
        result: 'failure',
        reason,
        details: { tries: charged.tries, lane: charged.lane },
        context,
      }),
    );
    return afterFailure(attempt, charged, dependencies);
  }

  /**
   * The clock message. A late code is worthless by now, so it may be told at once. An early one could still be used, so
   * it takes two different ones at the same offset, and both are then spent.
   */
  async function far(
    attempt: CodeAttempt,
    authenticator: ComparedAuthenticator,
    check: Extract<CodeCheck, { kind: 'far' }>,
    charged: Charged,
  ): Promise<VerifyOutcome> {
    const refused = await refuse(attempt, charged, check.offset < 0 ? 'late' : 'early');
    // From the time that is, not from the one this authenticator is expected to have.
    const offsetSeconds = (check.offset + authenticator.driftSteps) * authenticator.periodSeconds;
    if (check.offset < 0) return { kind: 'clock-off', offsetSeconds };
    const told = await inTransaction(async ({ guards, authenticators }) => {
      const before = await guards.noteEarly(attempt.challengeId, check.offset, check.timeStep);
      if (before === undefined || before.step === check.timeStep || before.offset !== check.offset) return false;
      await authenticators.spend(attempt.userId, authenticator.id, [before.step, check.timeStep]);
      return true;
    });
    return told ? { kind: 'clock-off', offsetSeconds } : refused;
  }
}

function rank(check: CodeCheck): number {
  return { wrong: 0, far: 1, replayed: 2, match: 3 }[check.kind];
}
