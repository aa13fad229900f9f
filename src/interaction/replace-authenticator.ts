import { newId } from '../crypto/random.ts';
import { codesShown } from './after-recovery.ts';
import { answer } from './answer.ts';
import { showNextStep } from './show.ts';
import type { Step } from './step.ts';

/** Whether this sign-in used a recovery code and is about to replace the authenticator that was lost. */
export function isReplacing({ pending }: Step): boolean {
  return pending?.followUp === 'replace-authenticator' && pending.proven !== null;
}

/** The new authenticator takes the place of all before it; what the sign-in proved is still the recovery code. */
export async function submitReplacement(step: Step): Promise<void> {
  const { services, pending, fields, uid, context } = step;
  if (pending === undefined || !isReplacing(step)) return showNextStep(step);
  const { userId, accountName } = pending;
  const shown = await services.enrolment.showPending(userId, accountName, uid);
  if (shown === undefined) return showNextStep(step, { error: { code: 'enrolment-void' } });
  const outcome = await services.enrolment.confirm({
    userId,
    id: shown.id,
    boundTo: uid,
    keepSession: step.interaction.session?.uid,
    provenBy: { securityStamp: pending.securityStamp },
    replacesOthers: true,
    code: fields.get('code') ?? '',
    context,
  });
  if (outcome.kind === 'wrong') {
    const { triesLeft } = outcome;
    return showNextStep(step, { error: { code: 'wrong-enrolment-code', field: 'code', values: { triesLeft } } });
  }
  if (outcome.kind === 'void') {
    await services.enrolment.cancel(userId);
    return showNextStep(step, { error: { code: 'enrolment-void' } });
  }
  const { securityStamp = pending.securityStamp } = outcome;
  const followUp = outcome.recoveryCodes === null ? { followUp: undefined } : codesShown(pending);
  const next = { ...pending, id: newId(), securityStamp, ...followUp };
  await services.pendings.write(uid, next);
  const after = { ...step, pending: next };
  if (outcome.recoveryCodes === null) return showNextStep(after);
  const createdAt = new Date(services.epochSeconds() * 1000);
  return answer(after, 'recovery-codes', { accountName, codes: outcome.recoveryCodes, createdAt }, {}, next);
}

/** The phone turned up: everything stays as it was, but who used the last code still gets a new set. */
export async function keepAuthenticator(step: Step): Promise<void> {
  const { services, pending, uid } = step;
  if (pending === undefined || !isReplacing(step)) return showNextStep(step);
  await services.enrolment.cancel(pending.userId);
  const followUp = pending.recoveryCodesRemaining === 0 ? ('new-recovery-codes' as const) : undefined;
  const next = { ...pending, id: newId(), followUp };
  await services.pendings.write(uid, next);
  return showNextStep({ ...step, pending: next });
}
