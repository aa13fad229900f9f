import type { AuditEvent } from '../domain/audit-event.ts';
import { requestedAcr } from '../domain/authentication.ts';
import { nextStep, type NextStep } from '../domain/next-step.ts';
import type { StandingFacts } from '../policies/sign-in-facts.ts';
import type { Standing } from '../policies/stores.ts';
import { askedAcr } from '../provider/asked-acr.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { asksFreshly } from './prompts.ts';
import { parameterOf, type Step } from './step.ts';

/** What comes next, and the authenticators it may be done with. */
export type Decided = NextStep & Pick<StandingFacts, 'authenticators'>;

/** Gathers what is known of a sign-in and asks the one rule for its next step. `read` is what was read just now. */
export async function decide(
  { ctx, services, interaction }: Step,
  pending: PendingSignIn,
  read?: Standing,
): Promise<Decided> {
  const { params } = interaction;
  const clientId = parameterOf({ interaction }, 'client_id');
  const standing = await services.readSignInFacts(ctx, pending.userId, clientId, read);
  const asked = requestedAcr(services.acrNames, askedAcr(params));
  const next = nextStep({
    ...standing,
    passwordProven: true,
    proof: pending.proven?.factor ?? 'none',
    passwordMustChange: pending.passwordMustChange,
    enrolmentDeferred: pending.enrolmentDeferred,
    askedAcr: asked.kind === 'asked' ? asked.acr : undefined,
    asksFreshly: asksFreshly(params),
  });
  return { ...next, authenticators: standing.authenticators };
}

/**
 * What a sign-in needs before its next step can be shown: a challenge for the code, a begun grace for the enrolment.
 * `toRecord` is what was proven just now and is recorded with it.
 */
export async function prepare(
  step: Step,
  pending: PendingSignIn,
  next: NextStep,
  toRecord?: AuditEvent,
): Promise<PendingSignIn> {
  const { services, uid } = step;
  const { userId, lane, kind } = pending;
  if (next.step === 'one-time-code') {
    const purpose = kind === 'step-up' ? 'step-up' : 'sign-in';
    const challengeId = await services.openChallenge({ userId, lane, purpose, boundTo: uid, toRecord });
    return { ...pending, challengeId };
  }
  if (toRecord !== undefined) await services.record(toRecord);
  if (next.step !== 'enrol') return pending;
  if (next.deferUntil !== undefined) await services.beginGrace(userId);
  return { ...pending, enrols: true };
}
