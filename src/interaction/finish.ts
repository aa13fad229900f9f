import { acrOf, amrOf, type SecondProof } from '../domain/authentication.ts';
import { hintedSubject } from '../provider/id-token-hint.ts';
import { subjectOf } from '../provider/pairwise-subject.ts';
import { answerFinished } from './answer.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { isStillProven, parameterOf, signInGone, type CompletingSignIn, type Interaction, type Step } from './step.ts';

/**
 * Resolves the login once, with all that was proven (`proof` beside the password): complete `acr` and `amr`, and an
 * explicit time, so that a later consent click moves nothing. A step-up keeps the time at which the password was proven.
 * `isRecorded`: that it is complete is recorded already, after `completingWith` had said what with.
 */
export async function finishSignIn(
  step: Step,
  pending: PendingSignIn,
  proof: SecondProof,
  isRecorded = false,
): Promise<void> {
  const { ctx, services, interaction, uid, context } = step;
  if (pending.finishedAt !== null) return answerFinished(step, pending.finishedAt);
  const { userId } = pending;
  const person = isRecorded ? undefined : await services.findProven(ctx, userId);
  if (!isRecorded && (person === undefined || !isStillProven(person.user, pending))) throw signInGone();
  const hinted = hintedSubject(interaction.params);
  if (hinted !== undefined && hinted !== (await subjectHere(step, userId))) {
    return refuse(step, 'login_required', 'another account was hinted at');
  }
  const stepUp = pending.kind === 'step-up';
  const ts = stepUp ? pending.passwordProvenAt : services.epochSeconds();
  const acr = acrOf(proof);
  const amr = amrOf(proof);
  const other = sessionOfAnother(interaction, userId);
  if (other !== undefined) {
    // Somebody else was signed in here: their session ends first, or the engine would show its own sign-out page.
    await services.endSession(other.uid, other.accountId, context);
    (interaction as { session?: unknown }).session = undefined;
  }
  const clientId = parameterOf(step, 'client_id');
  const location = interaction.returnTo;
  const login = { accountId: userId, acr, amr, ts, remember: true };
  const { securityStamp } = pending;
  try {
    await Promise.all([
      save(interaction, { login, securityStamp }, services.epochSeconds()),
      services.pendings.write(uid, { ...pending, finishedAt: location }),
    ]);
  } catch (error) {
    // It was recorded as complete, and leads nowhere.
    if (isRecorded) {
      await services.recordRefusal('sign-in.refused', userId, clientId, 'not_finished', context).catch(() => undefined);
    }
    throw error;
  }
  if (person !== undefined) await services.completeSignIn(ctx, { person, clientId, acr, amr, proof, stepUp });
  if (proof === 'otp' && pending.trustDays > 0) {
    await services.trustBrowser(ctx, userId, clientId, pending.trustDays);
  }
  answerFinished(step, location);
}

/** What a right code completes by itself; undefined where the end has more to do or to ask. */
export function completingWith(step: Step, pending: PendingSignIn, proof: SecondProof): CompletingSignIn | undefined {
  const { interaction } = step;
  if (pending.finishedAt !== null || pending.followUp !== undefined) return undefined;
  if (hintedSubject(interaction.params) !== undefined || sessionOfAnother(interaction, pending.userId))
    return undefined;
  return {
    isStillProven: (user) => isStillProven(user, pending),
    clientId: parameterOf(step, 'client_id'),
    acr: acrOf(proof),
    amr: amrOf(proof),
    proof,
    stepUp: pending.kind === 'step-up',
  };
}

function sessionOfAnother({ session }: Interaction, userId: string) {
  if (session?.accountId === undefined || session.accountId === userId || session.uid === undefined) return undefined;
  return { uid: session.uid, accountId: session.accountId };
}

/** Ends the interaction with any result of the engine's, and without what an earlier step submitted. */
async function finishWith(step: Step, result: Record<string, unknown>): Promise<void> {
  await save(step.interaction, result, step.services.epochSeconds());
  await step.services.pendings.remove(step.uid);
  answerFinished(step, step.interaction.returnTo);
}

/** Ends the interaction without success, by the person or by a rule; the relying party is told the error. */
export async function refuse(step: Step, error: string, description: string): Promise<void> {
  const { interaction, pending, services, context } = step;
  const atConsent = interaction.prompt.name === 'consent';
  const userId = atConsent ? interaction.session?.accountId : pending?.userId;
  const type = atConsent ? 'consent.refused' : 'sign-in.refused';
  await services.recordRefusal(type, userId, parameterOf(step, 'client_id'), error, context);
  return finishWith(step, { error, error_description: description });
}

/**
 * The answer of a consent keeps the sign-in that came before it in the same request. That led to a session, which now is
 * what was proven.
 */
export async function finishConsent(step: Step, grantId: string): Promise<void> {
  const before = { ...step.interaction.lastSubmission, securityStamp: undefined };
  return finishWith(step, { ...before, consent: { grantId } });
}

async function save(interaction: Interaction, result: Record<string, unknown>, nowSeconds: number): Promise<void> {
  interaction.result = result;
  await interaction.save(Math.max(1, interaction.exp - nowSeconds));
}

/** How the client of this request knows the account; a client that is gone knows nobody. */
async function subjectHere(step: Step, userId: string): Promise<string | undefined> {
  const provider = step.services.provider();
  const client = await provider.Client.find(parameterOf(step, 'client_id'));
  return client && subjectOf(provider, client, userId);
}
