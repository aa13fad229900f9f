import { sql, type Kysely } from 'kysely';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { cleanDetails, cleanLine } from '../../domain/audit-text.ts';
import type { PersonBox, PersonKeys } from './audit-person-keys.ts';
import { originContext, personalContext, subjectsOf } from './audit-subjects.ts';
import type { Tables } from './tables.ts';

/** Writes events beside the change they tell of; make one a transaction. */
export class PostgresAuditLog implements AuditLog {
  readonly #db: Kysely<Tables>;
  readonly #keys: PersonKeys;
  readonly #boxes: Map<string, PersonBox>;

  /** `boxes` at hand already, which no statement has to be asked for. */
  constructor(db: Kysely<Tables>, keys: PersonKeys, boxes: ReadonlyMap<string, PersonBox> = new Map()) {
    this.#db = db;
    this.#keys = keys;
    this.#boxes = new Map(boxes);
  }

  record(event: AuditEvent): Promise<void> {
    return this.recordAll([event]);
  }

  async recordAll(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return;
    const boxes = await this.#keys.forWriting(this.#db, [...new Set(events.flatMap(neededSubjects))], this.#boxes);
    const rows = events.map((event) => {
      const { origin, personal } = subjectsOf(event);
      const { address, userAgent } = event.context;
      const hasOrigin = address !== '' || userAgent !== '';
      return sql`(${event.type}, ${cleanLine(event.actor)}, ${cleanLine(event.target)}, ${event.result},
        ${event.reason === undefined ? null : cleanLine(event.reason)}, ${JSON.stringify(cleanDetails(event.details))}::jsonb,
        ${cleanLine(event.context.requestId)},
        ${hasOrigin ? seal(boxes.get(origin), originContext(origin), cleanDetails({ address, userAgent })) : null},
        ${event.personal ? seal(boxes.get(personal), personalContext(personal), cleanDetails(event.personal)) : null})`;
    });
    // One statement: the event, and the sealer's note that it is there to be chained.
    await sql`
      with recorded as (
        insert into audit_events
          (type, actor, target, result, reason, details, request_id, origin_sealed, personal_sealed)
        values ${sql.join(rows)} returning id, at)
      insert into audit_unsealed (id, at) select id, at from recorded`.execute(this.#db);
  }
}

/** The subjects whose keys this event takes: none for what the service does by itself. */
function neededSubjects(event: AuditEvent): string[] {
  const { origin, personal } = subjectsOf(event);
  const { address, userAgent } = event.context;
  return [...(address !== '' || userAgent !== '' ? [origin] : []), ...(event.personal ? [personal] : [])];
}

/** Null where the person was erased: what nobody could read need not be kept. */
function seal(box: PersonBox | undefined, context: Parameters<NonNullable<PersonBox>['seal']>[1], value: object) {
  return box == null ? null : box.seal(Buffer.from(JSON.stringify(value), 'utf8'), context);
}
