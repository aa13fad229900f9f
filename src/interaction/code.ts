import { newId } from '../crypto/random.ts';
import { Fault } from '../errors.ts';
import type { CodeOutcome } from '../second-factor/stores.ts';
import { answerFinished } from './answer.ts';
import { decide } from './decide.ts';
import { completingWith, finishSignIn } from './finish.ts';
import type { PendingSignIn, ProvenFactor } from './pending-sign-in.ts';
import { showNextStep, showPassword } from './show.ts';
import type { Remark, Step } from './step.ts';

/** The second factor by an authenticator app. */
export async function submitOneTimeCode(step: Step): Promise<void> {
  const { services, pending, fields, uid, context } = step;
  if (pending === undefined || pending.challengeId === null || pending.proven !== null) return showNextStep(step);
  const authenticatorId = fields.get('authenticator');
  const attempt = {
    userId: pending.userId,
    challengeId: pending.challengeId,
    boundTo: uid,
    lane: pending.lane,
    code: fields.get('code') ?? '',
    context,
    ...(authenticatorId === undefined || authenticatorId === '' ? {} : { authenticatorId }),
  };
  const outcome = await services.verifyOneTimeCode(step.ctx, attempt, completingWith(step, pending, 'otp'));
  if (outcome.kind === 'accepted') {
    const wanted = { ...pending, trustDays: await trustDaysOf(step, pending) };
    if (outcome.isFollowed) return finishSignIn(step, withProof(step, wanted, 'otp'), 'otp', true);
    return accepted(step, wanted, 'otp', outcome.passwordMustChange);
  }
  return refused(step, pending, outcome, { error: { code: 'wrong-code', field: 'code' } });
}

/** What the person ticked counts where the page offered it, and no longer than it did. */
async function trustDaysOf(step: Step, pending: PendingSignIn): Promise<number> {
  if (step.fields.get('trust_browser') !== 'yes') return 0;
  const decided = await decide(step, pending);
  return decided.step === 'one-time-code' ? decided.trustDays : 0;
}

/** The way back when the phone is lost. */
export async function submitRecoveryCode(step: Step): Promise<void> {
  const { services, pending, fields, uid, context } = step;
  if (pending === undefined || pending.challengeId === null || pending.proven !== null) return showNextStep(step);
  const { userId, challengeId, lane } = pending;
  const code = fields.get('code') ?? '';
  const attempt = { userId, challengeId, boundTo: uid, lane, code, context };
  const outcome = await services.redeemRecoveryCode(attempt, { securityStamp: pending.securityStamp });
  if (outcome.kind === 'accepted') {
    const { remaining } = outcome;
    const replaces = fields.get('replace_authenticator') === 'yes';
    const followUp = replaces ? 'replace-authenticator' : remaining === 0 ? 'new-recovery-codes' : undefined;
    const used = { ...pending, recoveryCodesRemaining: remaining, followUp } as const;
    return accepted(step, used, 'recovery-code', outcome.passwordMustChange);
  }
  const remark = { error: { code: 'wrong-recovery-code' as const, field: 'code' } };
  return refused(step, { ...pending, useRecoveryCode: true }, outcome, remark);
}

/** Both ways stand on pages of their own; which one is shown is remembered with the sign-in. */
export async function chooseFactor(step: Step, useRecoveryCode: boolean): Promise<void> {
  const { services, pending, uid } = step;
  if (pending === undefined) return showNextStep(step);
  const chosen = { ...pending, useRecoveryCode };
  await services.pendings.write(uid, chosen);
  return showNextStep({ ...step, pending: chosen });
}

function withProof({ services }: Step, pending: PendingSignIn, factor: ProvenFactor['factor']): PendingSignIn {
  return { ...pending, id: newId(), proven: { factor, at: services.epochSeconds() }, passwordMustChange: false };
}

async function accepted(
  step: Step,
  pending: PendingSignIn,
  factor: ProvenFactor['factor'],
  passwordMustChange: boolean,
): Promise<void> {
  const next = { ...withProof(step, pending, factor), passwordMustChange };
  // With nothing left to ask the record is written once, by the finish.
  if (!passwordMustChange && next.followUp === undefined) return finishSignIn({ ...step, pending: next }, next, factor);
  await step.services.pendings.write(step.uid, next);
  return showNextStep({ ...step, pending: next });
}

async function refused(step: Step, pending: PendingSignIn, outcome: CodeOutcome, wrong: Remark): Promise<void> {
  const { services, uid } = step;
  const same = { ...step, pending };
  switch (outcome.kind) {
    case 'wrong': {
      const finished = await finishedMeanwhile(step);
      return finished === undefined ? showNextStep(same, wrong) : answerFinished(step, finished);
    }
    case 'clock-off': {
      const minutes = Math.max(1, Math.round(Math.abs(outcome.offsetSeconds) / 60));
      const code = outcome.offsetSeconds > 0 ? 'clock-ahead' : 'clock-behind';
      return showNextStep(same, { error: { code, field: 'code', values: { minutes } } });
    }
    case 'wait': {
      const seconds = outcome.retryAfterSeconds;
      return showNextStep(same, { error: { code: 'wait', values: { seconds } }, retryAfterSeconds: seconds });
    }
    case 'challenge-spent': {
      const finished = await finishedMeanwhile(step);
      if (finished !== undefined) return answerFinished(step, finished);
      await services.pendings.remove(uid);
      if (step.interaction.prompt.name === 'totp') return showNextStep({ ...step, pending: undefined });
      return showPassword({ ...step, pending: undefined }, { error: { code: 'challenge-spent' } }, pending.accountName);
    }
    case 'closed': {
      const chosen = { ...pending, useRecoveryCode: true };
      await services.pendings.write(uid, chosen);
      return showNextStep({ ...step, pending: chosen });
    }
    case 'secret-unreadable':
      throw new Fault('secret_unreadable', 500, 'the stored secret of an authenticator does not open');
  }
}

/** A double click: its first half may have finished the sign-in already, and the answer is the same. */
async function finishedMeanwhile({ services, uid }: Step): Promise<string | undefined> {
  return (await services.pendings.read(uid))?.finishedAt ?? undefined;
}
