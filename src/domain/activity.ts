import type { AuditEventType } from './audit-event.ts';

/** How far back a person sees what happened with their account. */
export const activityDays = 90;

/**
 * What a person is shown of the record: what they or somebody else did to sign in or to change the account. Steps in
 * between, which would only repeat it, are left out.
 */
export const activityTypes: readonly AuditEventType[] = [
  'password.refused',
  'password.changed',
  'password.reset',
  'password.voided',
  'challenge.spent',
  'challenge.abandoned',
  'one-time-code.refused',
  'recovery-code.accepted',
  'recovery-code.refused',
  'recovery-codes.replaced',
  'lane.closed',
  'lane.opened',
  'second-factor.closed',
  'second-factor.reset',
  'second-factor.reopened',
  'second-factor.unreadable',
  'enrolment.started',
  'enrolment.confirmed',
  'enrolment.refused',
  'enrolment.cancelled',
  'authenticator.imported',
  'authenticator.removed',
  'authenticator.renamed',
  'authenticator.restored',
  'trusted-browser.added',
  'trusted-browser.used',
  'trusted-browser.revoked',
  'browser.new',
  'sign-in.completed',
  'sign-in.refused',
  'step-up.completed',
  'session.ended',
  'backchannel.requested',
  'backchannel.approved',
  'backchannel.refused',
  'consent.granted',
  'consent.refused',
  'consent.revoked',
  'code.reused',
  'token.reused',
  'token-family.revoked',
  'user.created',
  'user.imported',
  'user.changed',
  'user.disabled',
  'user.enabled',
  'user.exported',
  'email.changed',
  'email.confirmed',
  'link.issued',
  'link.used',
  'not-me.used',
  'help.requested',
  'help.answered',
];

/** What shows that somebody who knows the password does not have the second factor. */
export const warningTypes: readonly AuditEventType[] = [
  'challenge.abandoned',
  'challenge.spent',
  'lane.closed',
  'second-factor.closed',
];

/** Events that "this was not me" cannot answer: acts of the service, of operators, or undone already. */
const undisputed = new Set<AuditEventType>([
  'user.created',
  'user.imported',
  'user.disabled',
  'user.enabled',
  'second-factor.reset',
  'second-factor.reopened',
  'second-factor.unreadable',
  'help.answered',
  'not-me.used',
  'authenticator.restored',
]);

/** Whether "this was not me" makes sense of an event: somebody acted, as this person or as nobody known. */
export function mayBeDisputed(type: AuditEventType, actor: string, userId: string): boolean {
  return !undisputed.has(type) && (actor === userId || actor === 'anonymous');
}
