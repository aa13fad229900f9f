import { renderSVG } from 'uqr';
import type { Clock } from '../clock.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { hashToken, newBytes, newId } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { Proof } from '../domain/proof.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import {
  checkOneTimeCode,
  learnDrift,
  normaliseOneTimeCode,
  otpauthUri,
  secretToBase32,
  type TotpParameters,
} from '../domain/totp.ts';
import { newRecoveryCodeSet } from './recovery-code-set.ts';
import { secretContext } from './secret-context.ts';
import type { InSecondFactorTransaction, SecondFactorSettings } from './stores.ts';

/** What the person needs to add the authenticator to their app. The secret is shown here and nowhere else. */
export interface ShownEnrolment {
  readonly id: string;
  /** Base32, without padding. */
  readonly secret: string;
  readonly otpauthUri: string;
  /** An SVG picture with its quiet zone, dark on light. */
  readonly qrSvg: string;
  readonly expiresAt: Date;
  readonly label: string;
}

export type ConfirmOutcome =
  /** The codes are there the first time only, when the person had none. */
  | {
      readonly kind: 'confirmed';
      readonly recoveryCodes: readonly string[] | null;
      /** With which a sign-in goes on in which it was confirmed; undefined where it is the same as before. */
      readonly securityStamp: string | undefined;
    }
  | { readonly kind: 'wrong'; readonly triesLeft: number }
  /** Expired, replaced, out of tries, started elsewhere, or somebody else's: enrolment starts again. */
  | { readonly kind: 'void' };

export interface EnrolDependencies {
  readonly inTransaction: InSecondFactorTransaction;
  readonly secretBox: SecretBox;
  readonly hasher: PasswordHasher;
  readonly settings: SecondFactorSettings;
  readonly clock: Clock;
}

/** A shared secret in the three forms in which people take it into their app. */
export function showSecret(
  parameters: TotpParameters,
  issuerName: string,
  accountName: string,
): Pick<ShownEnrolment, 'secret' | 'otpauthUri' | 'qrSvg'> {
  const uri = otpauthUri(parameters, issuerName, accountName);
  return { secret: secretToBase32(parameters.secret), otpauthUri: uri, qrSvg: renderSVG(uri, { border: 4 }) };
}

/** RFC 4226 section 4, R6: 160 bits. */
const secretBytes = 20;
const mostConfirmTries = 10;
export const mostAuthenticators = 5;

class NotConfirmed extends Error {}

/** Adding an authenticator: pending until its first code was right, and never the live one before. */
export function createEnrolAuthenticator(dependencies: EnrolDependencies) {
  const { inTransaction, secretBox, hasher, settings, clock } = dependencies;

  /** Starts anew and replaces an earlier pending one. */
  async function start(input: {
    readonly userId: string;
    readonly accountName: string;
    readonly label: string;
    /** The session or interaction; only it can confirm. */
    readonly boundTo: string;
    readonly context: RequestContext;
  }): Promise<ShownEnrolment> {
    const id = newId();
    const { userId } = input;
    const parameters: TotpParameters = {
      secret: newBytes(secretBytes),
      algorithm: 'SHA1',
      digits: settings.digits,
      periodSeconds: settings.periodSeconds,
    };
    const secretSealed = secretBox.seal(parameters.secret, secretContext({ id, userId }));
    const label = input.label.trim().slice(0, 60) || 'Authenticator app';
    const expiresAt = await inTransaction(async ({ authenticators, audit }) => {
      const { algorithm, digits, periodSeconds } = parameters;
      const pending = { id, userId, label, secretSealed, algorithm, digits, periodSeconds };
      const expiry = await authenticators.putPending(
        pending,
        hashToken(input.boundTo),
        settings.pendingEnrolmentSeconds,
      );
      await audit.record({
        type: 'enrolment.started',
        actor: userId,
        target: userId,
        result: 'success',
        context: input.context,
      });
      return expiry;
    });
    return show({ id, label, expiresAt }, parameters, input.accountName);
  }

  /** The pending one again, for the page that tells of a wrong code; only where it was started. */
  async function showPending(
    userId: string,
    accountName: string,
    boundTo: string,
  ): Promise<ShownEnrolment | undefined> {
    const pending = await inTransaction(({ authenticators }) => authenticators.findPending(userId));
    if (pending === undefined || pending.boundTo !== hashToken(boundTo)) return undefined;
    const secret = secretBox.open(pending.secretSealed, secretContext(pending));
    return show(pending, { ...pending, secret }, accountName);
  }

  /** Makes the pending one live. Its confirming step counts as used; the first one brings the recovery codes. */
  async function confirm(input: {
    readonly userId: string;
    readonly id: string;
    readonly boundTo: string;
    /** The person's own session; the others end when a second factor is turned on. */
    readonly keepSession?: string | null | undefined;
    /** In what it is confirmed. Throws `Fault` (`sign_in_gone`, 400) where that does not stand any more. */
    readonly provenBy: Proof;
    /** It takes the place of all the others, whose holder may be anybody by now. */
    readonly replacesOthers?: boolean;
    readonly code: string;
    readonly context: RequestContext;
  }): Promise<ConfirmOutcome> {
    const { userId, id, context } = input;
    const charged = await inTransaction(({ authenticators }) =>
      authenticators.chargeConfirm(userId, id, hashToken(input.boundTo), mostConfirmTries),
    );
    if (charged === undefined) return { kind: 'void' };
    const { pending, triesLeft } = charged;
    const secret = secretBox.open(pending.secretSealed, secretContext(pending));
    const code = normaliseOneTimeCode(input.code, pending.digits);
    const check =
      code === undefined
        ? ({ kind: 'wrong' } as const)
        : checkOneTimeCode({
            parameters: { ...pending, secret },
            code,
            driftSteps: 0,
            lastStep: -1,
            nowSeconds: clock.epochSeconds(),
            windowSteps: settings.windowSteps,
          });
    const event = { actor: userId, target: userId, context };
    if (check.kind !== 'match') {
      await inTransaction(({ audit }) =>
        audit.record({ ...event, type: 'enrolment.refused', result: 'failure', reason: check.kind }),
      );
      return triesLeft > 0 ? { kind: 'wrong', triesLeft } : { kind: 'void' };
    }
    const hasCodes = await inTransaction(({ recoveryCodes }) => recoveryCodes.countUnused(userId));
    const codes = hasCodes > 0 ? undefined : await newRecoveryCodeSet(hasher);
    try {
      const securityStamp = await inTransaction(async (stores) => {
        const { authenticators, recoveryCodes, guards, audit, outbox } = stores;
        await stores.holdProof(userId, input.provenBy);
        const drift = learnDrift(0, check.offset);
        const before = await authenticators.listLive(userId);
        if (input.replacesOthers === true) {
          for (const { id: old, label } of before) {
            await authenticators.remove(userId, old, 'replaced');
            const details = { authenticator: old, last: false };
            await audit.record({
              ...event,
              type: 'authenticator.removed',
              result: 'success',
              reason: 'replaced',
              details,
            });
            await outbox.enqueue({ kind: 'authenticator-removed', userId, details: { label }, context });
          }
        }
        if (!(await authenticators.confirm(userId, id, check.timeStep, drift, mostAuthenticators))) {
          throw new NotConfirmed();
        }
        if (codes !== undefined) await recoveryCodes.replace(userId, codes.stored);
        // A session that began with the password alone, or with a phone that is lost, must not outlive this moment.
        const endsOthers = before.length === 0 || input.replacesOthers === true;
        const stamp = endsOthers ? await stores.endOtherSessions(userId, input.keepSession ?? null) : undefined;
        await guards.clearFailuresInARow(userId);
        await audit.record({
          ...event,
          type: 'enrolment.confirmed',
          result: 'success',
          details: { authenticator: id, recoveryCodes: codes !== undefined },
        });
        await outbox.enqueue({ kind: 'authenticator-added', userId, details: { label: pending.label }, context });
        return stamp;
      });
      return { kind: 'confirmed', recoveryCodes: codes?.display ?? null, securityStamp };
    } catch (error) {
      if (error instanceof NotConfirmed) return { kind: 'void' };
      throw error;
    }
  }

  /** Leaves nothing of a pending one behind; recorded where a person gave it up. */
  async function cancel(userId: string, context?: RequestContext): Promise<void> {
    await inTransaction(async ({ authenticators, audit }) => {
      const pending = context === undefined ? undefined : await authenticators.findPending(userId);
      await authenticators.dropPending(userId);
      if (context === undefined || pending === undefined) return;
      const event = { actor: userId, target: userId, result: 'success' as const, context };
      await audit.record({ ...event, type: 'enrolment.cancelled', details: { authenticator: pending.id } });
    });
  }

  function show(
    { id, label, expiresAt }: { readonly id: string; readonly label: string; readonly expiresAt: Date },
    parameters: TotpParameters,
    accountName: string,
  ): ShownEnrolment {
    return { id, ...showSecret(parameters, settings.issuerName, accountName), label, expiresAt };
  }

  return { start, showPending, confirm, cancel };
}
