import type { AuditEvent, AuditEventType } from '../domain/audit-event.ts';

/** What an event of the record tells the metrics; each word is one of a closed list. */
export interface EventOutcomes {
  readonly signIn?: string;
  readonly code?: string;
  readonly lane?: string;
  readonly secretUnreadable?: boolean;
  readonly exchange?: string;
}

const codeReasons = new Set(['wrong', 'replay', 'late', 'early']);
const refused = ({ reason }: AuditEvent): EventOutcomes => ({
  code: reason !== undefined && codeReasons.has(reason) ? reason : 'refused',
});
const accepted = (): EventOutcomes => ({ code: 'accepted' });

const outcomes: { readonly [Type in AuditEventType]?: (event: AuditEvent) => EventOutcomes } = {
  'sign-in.completed': () => ({ signIn: 'completed' }),
  'sign-in.refused': () => ({ signIn: 'refused' }),
  'password.refused': () => ({ signIn: 'password-refused' }),
  'one-time-code.accepted': accepted,
  'recovery-code.accepted': accepted,
  'one-time-code.refused': refused,
  'recovery-code.refused': refused,
  'lane.closed': ({ details }) => ({ lane: details?.['lane'] === 'known' ? 'known' : 'other' }),
  'token.exchanged': ({ result }) => ({ exchange: result === 'success' ? 'given' : 'refused' }),
  'second-factor.unreadable': () => ({ code: 'unreadable', secretUnreadable: true }),
};

/** The record is the one place where every outcome passes, so the metrics are counted from it. */
export function outcomesOf(event: AuditEvent): EventOutcomes {
  return outcomes[event.type]?.(event) ?? {};
}
