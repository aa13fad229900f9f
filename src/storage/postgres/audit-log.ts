import { CompiledQuery, type Kysely } from 'kysely';
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
  readonly #made = new Map<string, PersonBox>();
  readonly #boxes: ReadonlyMap<string, PersonBox> | undefined;

  /** With `boxes` no key is looked up, because no statement can wait for it: an event about anybody else is refused. */
  constructor(db: Kysely<Tables>, keys: PersonKeys, boxes?: ReadonlyMap<string, PersonBox>) {
    this.#db = db;
    this.#keys = keys;
    this.#boxes = boxes;
  }

  record(event: AuditEvent): Promise<void> {
    return this.recordAll([event]);
  }

  async recordAll(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return;
    const subjects = [...new Set(events.flatMap(neededSubjects))];
    const boxes = this.#boxes ?? (await this.#keys.forWriting(this.#db, subjects, this.#made));
    const missing = subjects.find((subject) => !boxes.has(subject));
    if (missing !== undefined && this.#boxes)
      throw new TypeError('an event about somebody who was not named beforehand');
    const parameters = events.flatMap((event) => {
      const { origin, personal } = subjectsOf(event);
      const { address, userAgent, requestId } = event.context;
      const hasOrigin = address !== '' || userAgent !== '';
      return [
        event.type,
        cleanLine(event.actor),
        cleanLine(event.target),
        event.result,
        event.reason === undefined ? null : cleanLine(event.reason),
        JSON.stringify(cleanDetails(event.details)),
        cleanLine(requestId),
        hasOrigin ? seal(boxes.get(origin), originContext(origin), cleanDetails({ address, userAgent })) : null,
        event.personal ? seal(boxes.get(personal), personalContext(personal), cleanDetails(event.personal)) : null,
      ];
    });
    await this.#db.executeQuery(CompiledQuery.raw(recording(events.length), parameters));
  }
}

const texts = new Map<number, string>();

/** One statement for so many events: they themselves, and the sealer's note that they are there to be chained. */
function recording(count: number): string {
  const known = texts.get(count);
  if (known !== undefined) return known;
  const types = ['', '', '', '', '', '::jsonb', '', '', ''];
  const rows = Array.from({ length: count }, (_, row) =>
    types.map((type, column) => `$${row * types.length + column + 1}${type}`).join(', '),
  );
  const text = `
    with recorded as (
      insert into audit_events
        (type, actor, target, result, reason, details, request_id, origin_sealed, personal_sealed)
      values ${rows.map((row) => `(${row})`).join(', ')} returning id, at)
    insert into audit_unsealed (id, at) select id, at from recorded`;
  if (count <= 4) texts.set(count, text);
  return text;
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
