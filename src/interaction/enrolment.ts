import { newId } from '../crypto/random.ts';
import { codesShown } from './after-recovery.ts';
import { answer } from './answer.ts';
import { decide } from './decide.ts';
import { finishSignIn } from './finish.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { putOffEnrolment, showNextStep } from './show.ts';
import { isStillProven, type Step } from './step.ts';

/** Confirms the authenticator of somebody who had none; only then does anything go on. */
export async function submitEnrolment(step: Step): Promise<void> {
  const { services, pending, fields, uid, context } = step;
  if (pending === undefined || !pending.enrols || pending.proven !== null) return showNextStep(step);
  // Enrolled elsewhere meanwhile: then that factor is asked, and this page adds none beside it.
  if ((await services.status(pending.userId)).enabled) {
    await services.pendings.remove(uid);
    return showNextStep({ ...step, pending: undefined });
  }
  const user = await services.findUser(pending.userId);
  if (!isStillProven(user, pending)) return showNextStep(step);
  const begun = await services.enrolment.showPending(pending.userId, user?.username ?? '', uid);
  if (begun === undefined) return showNextStep(step, { error: { code: 'enrolment-void' } });
  const outcome = await services.enrolment.confirm({
    userId: pending.userId,
    id: begun.id,
    boundTo: uid,
    keepSession: step.interaction.session?.uid,
    provenBy: { securityStamp: pending.securityStamp },
    code: fields.get('code') ?? '',
    context,
  });
  if (outcome.kind === 'void') {
    await services.enrolment.cancel(pending.userId);
    return showNextStep(step, { error: { code: 'enrolment-void' } });
  }
  if (outcome.kind === 'wrong') {
    const { triesLeft } = outcome;
    return showNextStep(step, { error: { code: 'wrong-enrolment-code', field: 'code', values: { triesLeft } } });
  }
  const proven = { factor: 'otp' as const, at: services.epochSeconds() };
  const { securityStamp = pending.securityStamp } = outcome;
  const shown = outcome.recoveryCodes === null ? {} : codesShown(pending);
  const next: PendingSignIn = { ...pending, id: newId(), proven, securityStamp, ...shown };
  await services.pendings.write(uid, next);
  if (outcome.recoveryCodes === null) return showNextStep({ ...step, pending: next });
  const locals = {
    accountName: pending.accountName,
    codes: outcome.recoveryCodes,
    createdAt: new Date(proven.at * 1000),
  };
  return answer({ ...step, pending: next }, 'recovery-codes', locals, {}, next);
}

/** The person has their recovery codes; now the sign-in is complete. */
export async function submitRecoveryCodes(step: Step): Promise<void> {
  const { pending } = step;
  // Sent from any other page it leads to whatever that page was to lead to.
  const isHere = pending?.timesCodesShown !== undefined && pending.followUp !== 'replace-authenticator';
  if (pending === undefined || pending.proven === null || pending.passwordMustChange || !isHere) {
    return showNextStep(step);
  }
  return finishSignIn(step, pending, pending.proven.factor);
}

/** A person whose grace period runs goes on without a factor; the next sign-in asks again. */
export async function submitEnrolLater(step: Step): Promise<void> {
  const { pending } = step;
  if (pending === undefined || !pending.enrols || pending.proven !== null) return showNextStep(step);
  const decided = await decide(step, pending);
  if (decided.step !== 'enrol' || decided.deferUntil === undefined) return showNextStep(step);
  return putOffEnrolment(step, pending);
}
