import type { AuditEvent } from '../domain/audit-event.ts';

/** What an event of the record tells the metrics; each word is one of a closed list. */
export interface EventOutcomes {
  readonly signIn?: string;
  readonly code?: string;
  readonly lane?: string;
  readonly secretUnreadable?: boolean;
}

const codeReasons = new Set(['wrong', 'replay', 'late', 'early']);

/** The record is the one place where every outcome passes, so the metrics are counted from it. */
export function outcomesOf({ type, reason, details }: AuditEvent): EventOutcomes {
  switch (type) {
    case 'sign-in.completed':
      return { signIn: 'completed' };
    case 'sign-in.refused':
      return { signIn: 'refused' };
    case 'password.refused':
      return { signIn: 'password-refused' };
    case 'one-time-code.accepted':
    case 'recovery-code.accepted':
      return { code: 'accepted' };
    case 'one-time-code.refused':
    case 'recovery-code.refused':
      return { code: codeReasons.has(reason ?? '') ? (reason ?? '') : 'refused' };
    case 'lane.closed':
      return { lane: details?.['lane'] === 'known' ? 'known' : 'other' };
    case 'second-factor.unreadable':
      return { code: 'unreadable', secretUnreadable: true };
    default:
      return {};
  }
}
