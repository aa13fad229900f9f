import type { Kysely } from 'kysely';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import type { Tables } from './tables.ts';

const longestText = 500;

export class PostgresAuditLog implements AuditLog {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async record(event: AuditEvent): Promise<void> {
    await this.#db
      .insertInto('audit_events')
      .values({
        type: event.type,
        actor: clean(event.actor),
        target: clean(event.target),
        result: event.result,
        reason: event.reason === undefined ? null : clean(event.reason),
        details: JSON.stringify(event.details ?? {}).replaceAll('\\u0000', ''),
        request_id: clean(event.context.requestId),
        address: clean(event.context.address),
        user_agent: clean(event.context.userAgent),
      })
      .execute();
  }
}

/** What strangers send (a user agent, a name) must stay one line of one record, of a bounded length. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, longestText);
}
