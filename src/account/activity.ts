import type { AuditPage, AuditReader, AuditRecord } from '../audit/audit-log.ts';
import { activityDays, activityTypes, mayBeDisputed, warningTypes } from '../domain/activity.ts';
import type { AuditEventType } from '../domain/audit-event.ts';

/** One thing that happened, as its person may see it. */
export interface Activity {
  readonly id: string;
  readonly type: AuditEventType;
  readonly result: 'success' | 'failure';
  readonly at: Date;
  /** '' where it was not the person's own doing: where operators sit is nobody's business. */
  readonly address: string;
  readonly userAgent: string;
  readonly clientId: string | null;
  readonly mayBeDisputed: boolean;
}

export interface ActivityPage {
  readonly events: readonly Activity[];
  readonly nextCursor: string | null;
}

/** What happened with a person's account in the last 90 days, newest first. */
export function createReadActivity(reader: () => AuditReader, now: () => Date) {
  const since = (): Date => new Date(now().getTime() - activityDays * 86_400_000);
  return {
    async list(userId: string, page: { limit: number; cursor?: string | undefined }): Promise<ActivityPage> {
      const filter = { person: userId, types: activityTypes, from: since() };
      const { items, nextCursor }: AuditPage = await reader().list(filter, page);
      return { events: items.map((record) => shown(record, userId)), nextCursor };
    },

    /** What guessing left behind since the sign-in before the last one; at most three, newest first. */
    async listWarnings(userId: string): Promise<readonly Activity[]> {
      const filter = { person: userId, types: ['sign-in.completed' as const, ...warningTypes], from: since() };
      const { items } = await reader().list(filter, { limit: 50 });
      const signIns = items.flatMap(({ type }, index) => (type === 'sign-in.completed' ? [index] : []));
      const warnings = items.slice(0, signIns[1]).filter(({ type }) => warningTypes.includes(type));
      return warnings.slice(0, 3).map((record) => shown(record, userId));
    },

    /** One of them; undefined where it is somebody else's, too old, or of a kind that is not shown. */
    async find(userId: string, id: string): Promise<Activity | undefined> {
      const record = await reader().find(id);
      if (record === undefined || record.at < since() || !activityTypes.includes(record.type)) return undefined;
      return record.actor === userId || record.target === userId ? shown(record, userId) : undefined;
    },
  };
}

function shown(record: AuditRecord, userId: string): Activity {
  const { id, type, result, at, actor, target, details } = record;
  const own = actor === userId || actor === 'anonymous';
  const named = details['client'];
  const client = typeof named === 'string' ? named : target.startsWith('client:') ? target.slice(7) : null;
  return {
    id,
    type,
    result,
    at,
    address: own ? (record.address ?? '') : '',
    userAgent: own ? (record.userAgent ?? '') : '',
    clientId: client === '' ? null : client,
    mayBeDisputed: mayBeDisputed(type, actor, userId),
  };
}
