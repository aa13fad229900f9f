/** Everything the record of the service knows to have happened. Closed: an event that is not here cannot be written. */
export const auditEventTypes = [
  'password.accepted',
  'password.refused',
  'password.changed',
  'password.reset',
  'password.voided',
  'password.rehashed',
  'one-time-code.accepted',
  'one-time-code.refused',
  'recovery-code.accepted',
  'recovery-code.refused',
  'recovery-codes.replaced',
  'challenge.spent',
  'lane.closed',
  'second-factor.closed',
  'second-factor.reset',
  'second-factor.reopened',
  'second-factor.unreadable',
  'enrolment.started',
  'enrolment.confirmed',
  'enrolment.refused',
  'authenticator.removed',
  'authenticator.renamed',
  'sign-in.completed',
  'session.ended',
  'consent.granted',
  'consent.revoked',
  'token.reused',
  'user.created',
  'user.imported',
  'user.changed',
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'relying-party.created',
  'relying-party.changed',
  'relying-party.deleted',
  'signing-key.created',
  'link.issued',
  'link.used',
] as const;

export type AuditEventType = (typeof auditEventTypes)[number];

/** Where a request came from; as the trusted proxy saw it, never as the client says. */
export interface RequestContext {
  readonly requestId: string;
  readonly address: string;
  readonly userAgent: string;
}

export interface AuditEvent {
  readonly type: AuditEventType;
  /** Who acted: a user's id, `client:<id>`, `command-line`, or `anonymous`. */
  readonly actor: string;
  /** Whom or what it concerns: a user's id or `client:<id>`; '' where nobody. */
  readonly target: string;
  readonly result: 'success' | 'failure';
  readonly reason?: string;
  /** Further facts; never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
  readonly context: RequestContext;
}
