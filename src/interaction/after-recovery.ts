import { newId } from '../crypto/random.ts';
import { Fault } from '../errors.ts';
import { answer } from './answer.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { isStillProven, pathOf, signInGone, type Remark, type Step } from './step.ts';

/**
 * The last recovery code was used: the way back must not be closed, so a new set is made and shown. And whoever loads the
 * page of new codes again before they said that they kept them gets another set: those that were shown are nowhere.
 */
export async function showNewRecoveryCodes(step: Step, pending: PendingSignIn): Promise<void> {
  const { services, uid, context } = step;
  if (!(await services.pendings.once(uid, `codes ${pending.timesCodesShown ?? 0}`))) {
    throw new Fault('overtaken', 409, 'these codes are being shown elsewhere');
  }
  const next = { ...pending, id: newId(), ...codesShown(pending) };
  await services.pendings.write(uid, next);
  const provenBy = { securityStamp: pending.securityStamp };
  const codes = await services.replaceRecoveryCodes(pending.userId, provenBy, context);
  const locals = { accountName: pending.accountName, codes, createdAt: new Date(services.epochSeconds() * 1000) };
  return answer({ ...step, pending: next }, 'recovery-codes', locals, {}, next);
}

/** What a page of new codes leaves behind until its reader goes on; a few times, since each set costs ten hashes. */
export function codesShown({ timesCodesShown = 0 }: PendingSignIn): Partial<PendingSignIn> {
  const again = timesCodesShown < mostTimesShown;
  return { followUp: again ? 'new-recovery-codes' : undefined, timesCodesShown: timesCodesShown + 1 };
}

const mostTimesShown = 3;

/** Whose phone is lost sets up another one at once; until its first code was right nothing changes. */
export async function showReplacement(step: Step, pending: PendingSignIn, remark: Remark): Promise<void> {
  const { services, uid, context } = step;
  const { userId } = pending;
  const user = await services.findUser(userId);
  if (user === undefined || !isStillProven(user, pending)) throw signInGone();
  const accountName = user.email ?? user.username;
  const enrolment =
    (await services.enrolment.showPending(userId, accountName, uid)) ??
    (await services.enrolment.start({ userId, accountName, label: '', boundTo: uid, context }));
  const laterAction = pathOf(step, 'keep-authenticator');
  return answer(step, 'enrol', { accountName, enrolment, purpose: 'replacement', laterAction }, remark, pending);
}
