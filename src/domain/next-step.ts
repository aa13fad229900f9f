import { acrOf, acrOneFactor, acrTwoFactors, provedTwoFactors, satisfies, type SecondProof } from './authentication.ts';
import type { EffectivePolicy, PolicyKey } from './policy.ts';

/** All that the next step of a sign-in depends on. Times are epoch seconds. */
export interface SignInFacts {
  readonly now: number;
  /** In this sign-in, or in the session it continues. */
  readonly passwordProven: boolean;
  /** What was proven beside the password; a trusted browser is judged anew each time and is no proof kept. */
  readonly proof: Extract<SecondProof, 'otp' | 'recovery-code' | 'none'>;
  readonly hasFactor: boolean;
  /** Too many guesses closed the second factor: nobody passes without proving it, whatever the policy. */
  readonly isClosed: boolean;
  /** A guessed password must be replaced before anything goes on. */
  readonly passwordMustChange: boolean;
  readonly policy: EffectivePolicy;
  /** The `acr` that the request asks for, one of our two; undefined where it asks nothing. */
  readonly askedAcr: string | undefined;
  /** The `acr` values that the relying party always needs come to; one of our two. */
  readonly clientAcr: string | undefined;
  /** The request wants the person to authenticate now: `prompt=login` or a `max_age`. */
  readonly asksFreshly: boolean;
  /** When this browser was trusted for this person, where that still holds. */
  readonly browserTrustedAt: number | undefined;
  /** When the person's grace for enrolment began; undefined where it never did. */
  readonly graceStartedAt: number | undefined;
  /** The person chose to enrol later, in this sign-in or in the one that began the session. */
  readonly enrolmentDeferred: boolean;
}

/** Why a step is asked, or why it is not. */
export interface Reason {
  readonly code: keyof typeof reasonSentences;
  /** Whose policy says so, where one does. */
  readonly policy?: PolicyKey | undefined;
}

export type NextStep =
  | { readonly step: 'password'; readonly reasons: readonly Reason[] }
  | {
      readonly step: 'one-time-code';
      readonly reasons: readonly Reason[];
      /** Days for which the person may have this browser trusted; 0 where that is not offered. */
      readonly trustDays: number;
    }
  | {
      readonly step: 'enrol';
      readonly reasons: readonly Reason[];
      /** Until when the person may go on without; undefined where they may not. */
      readonly deferUntil: number | undefined;
    }
  | { readonly step: 'change-password'; readonly reasons: readonly Reason[] }
  | { readonly step: 'finish'; readonly reasons: readonly Reason[]; readonly proof: SecondProof };

/** One sentence on each reason, for operators. */
export const reasonSentences = {
  'nothing-proven': 'Every sign-in begins with the password.',
  'password-guessed-at': 'Too many codes were guessed with this password: a new one has to be set.',
  'two-factors-proven': 'Two factors were proven.',
  'second-factor-closed': 'Too many guesses closed the second factor; it has to be proven or opened again.',
  'has-factor': 'Who has a second factor is always asked for it.',
  'request-asks-two-factors': 'The request asks for two factors.',
  'client-needs-two-factors': 'The relying party always needs two factors.',
  'policy-needs-two-factors': 'A policy demands two factors in every session.',
  'policy-requires-factor': 'A policy requires a second factor.',
  'policy-optional': 'No policy requires a second factor, and the person has none.',
  'grace-begins': 'Enrolment may wait: the grace period begins with this sign-in.',
  'grace-runs': 'Enrolment may wait: the grace period runs.',
  'grace-over': 'The grace period is over and cannot be renewed.',
  'enrolment-deferred': 'The person chose to enrol later.',
  'browser-trusted': 'The browser is trusted, and the relying party allows that.',
  'browser-not-enough': 'The browser is trusted, but that is no second factor.',
  'browser-not-allowed': 'The browser is trusted, but that is not allowed here.',
  'browser-trust-over': 'The browser was trusted longer ago than is allowed here.',
  'fresh-sign-in-asked': 'The request asks to authenticate anew, with both factors.',
} as const;

const day = 86_400;

/**
 * The next step of a sign-in, decided here and nowhere else: for the pages, for a session that comes back with another
 * request, and for what operators simulate. An unclear fact asks for more, never for less.
 */
export function nextStep(facts: SignInFacts): NextStep {
  if (!facts.passwordProven) return { step: 'password', reasons: [{ code: 'nothing-proven' }] };
  const { policy, proof } = facts;
  if (acrOf(proof) === acrTwoFactors) {
    if (facts.passwordMustChange) return { step: 'change-password', reasons: [{ code: 'password-guessed-at' }] };
    return { step: 'finish', reasons: [{ code: 'two-factors-proven' }], proof };
  }
  const demands = demandsOfTwoFactors(facts);
  if (facts.hasFactor) {
    const trust = judgeTrust(facts, demands.length > 0);
    if (trust?.accepted === true) return { step: 'finish', reasons: [trust.reason], proof: 'trusted-browser' };
    return {
      step: 'one-time-code',
      reasons: [{ code: 'has-factor' }, ...demands, ...(trust === undefined ? [] : [trust.reason])],
      // Nothing is offered that would be asked again all the same.
      trustDays: demands.length === 0 ? policy.trustedBrowserDays : 0,
    };
  }
  if (demands.length > 0) return { step: 'enrol', reasons: demands, deferUntil: undefined };
  if (policy.secondFactor === 'optional') {
    return { step: 'finish', reasons: [{ code: 'policy-optional' }], proof: 'none' };
  }
  const required: Reason = { code: 'policy-requires-factor', policy: policy.decidedBy.secondFactor };
  if (policy.graceDays === 0) return { step: 'enrol', reasons: [required], deferUntil: undefined };
  const deferUntil = (facts.graceStartedAt ?? facts.now) + policy.graceDays * day;
  if (facts.now >= deferUntil) {
    return { step: 'enrol', reasons: [required, { code: 'grace-over' }], deferUntil: undefined };
  }
  const grace: Reason = { code: facts.graceStartedAt === undefined ? 'grace-begins' : 'grace-runs' };
  if (facts.enrolmentDeferred && facts.graceStartedAt !== undefined) {
    return { step: 'finish', reasons: [required, grace, { code: 'enrolment-deferred' }], proof: 'none' };
  }
  return { step: 'enrol', reasons: [required, grace], deferUntil };
}

/** What is known of a session in which somebody signed in earlier. */
export function factsOfSession(session: {
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
}): Pick<SignInFacts, 'passwordProven' | 'proof' | 'passwordMustChange' | 'enrolmentDeferred'> {
  const two = provedTwoFactors(session.acr, session.amr);
  return {
    passwordProven: true,
    proof: two ? (session.amr?.includes('otp') === true ? 'otp' : 'recovery-code') : 'none',
    passwordMustChange: false,
    // A session without a factor was let in by a policy or by its grace, and is not asked again while that runs.
    enrolmentDeferred: true,
  };
}

/**
 * Whether a refresh token that only a password earned may still be used: not where two factors are always needed by now,
 * nor once enrolment can wait no longer. What it says of itself stays true either way.
 */
export function mayRefreshOneFactor(
  standing: Omit<SignInFacts, keyof ReturnType<typeof factsOfSession> | 'askedAcr' | 'asksFreshly'>,
): boolean {
  const facts = { ...standing, ...factsOfSession({}), askedAcr: undefined, asksFreshly: false };
  if (demandsOfTwoFactors(facts).length > 0) return false;
  const next = nextStep(facts);
  return next.step !== 'enrol' || next.deferUntil !== undefined;
}

function demandsOfTwoFactors({ askedAcr, clientAcr, policy, isClosed }: SignInFacts): Reason[] {
  const unmet = (acr: string | undefined): boolean => acr !== undefined && !satisfies(acrOneFactor, acr);
  const reasons: Reason[] = [];
  if (isClosed) reasons.push({ code: 'second-factor-closed' });
  if (unmet(askedAcr)) reasons.push({ code: 'request-asks-two-factors' });
  if (unmet(clientAcr)) reasons.push({ code: 'client-needs-two-factors' });
  if (unmet(policy.acr)) reasons.push({ code: 'policy-needs-two-factors', policy: policy.decidedBy.acr });
  return reasons;
}

function judgeTrust(
  { browserTrustedAt, policy, now, asksFreshly }: SignInFacts,
  needsTwoFactors: boolean,
): { readonly accepted: boolean; readonly reason: Reason } | undefined {
  if (browserTrustedAt === undefined) return undefined;
  const by = { policy: policy.decidedBy.trustedBrowserDays };
  if (needsTwoFactors) return { accepted: false, reason: { code: 'browser-not-enough' } };
  if (asksFreshly) return { accepted: false, reason: { code: 'fresh-sign-in-asked' } };
  if (policy.trustedBrowserDays === 0) return { accepted: false, reason: { code: 'browser-not-allowed', ...by } };
  if (now >= browserTrustedAt + policy.trustedBrowserDays * day) {
    return { accepted: false, reason: { code: 'browser-trust-over', ...by } };
  }
  return { accepted: true, reason: { code: 'browser-trusted', ...by } };
}
