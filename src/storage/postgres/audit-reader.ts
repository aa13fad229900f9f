import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import type { AuditFilter, AuditPage, AuditReader, AuditRecord } from '../../audit/audit-log.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import { InvalidInput } from '../../errors.ts';
import type { PersonBox, PersonKeys } from './audit-person-keys.ts';
import { originContext, personalContext, subjectsOf } from './audit-subjects.ts';
import type { Tables } from './tables.ts';
import type { AuditEventsTable } from './tables/audit.ts';

const mostAtOnce = 200;
const streamedAtOnce = 500;

type Row = Selectable<AuditEventsTable>;

export class PostgresAuditReader implements AuditReader {
  readonly #db: Kysely<Tables>;
  readonly #keys: PersonKeys;

  constructor(db: Kysely<Tables>, keys: PersonKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  async list(filter: AuditFilter, page: { limit: number; cursor?: string | undefined }): Promise<AuditPage> {
    const limit = Math.min(Math.max(1, Math.trunc(page.limit)), mostAtOnce);
    const before = page.cursor === undefined ? sql`true` : sql`id < ${readCursor(page.cursor)}::bigint`;
    const rows = await this.#read(sql`${where(filter)} and ${before} order by id desc limit ${limit + 1}`);
    const items = await this.#open(rows.slice(0, limit));
    const last = rows[limit - 1];
    return { items, nextCursor: rows.length > limit && last !== undefined ? writeCursor(last.id) : null };
  }

  async find(id: string): Promise<AuditRecord | undefined> {
    return (await this.findMany([id]))[0];
  }

  /** In the order of their ids; those that are not there are left out. */
  async findMany(ids: readonly string[]): Promise<AuditRecord[]> {
    const asked = ids.filter((id) => /^\d{1,18}$/.test(id));
    if (asked.length === 0) return [];
    return this.#open(await this.#read(sql`id = any (${asked}::bigint[]) order by id`));
  }

  async count(filter: AuditFilter, most: number): Promise<number> {
    const { rows } = await sql<{ count: string }>`
      select count(*) as count from (select 1 from audit_events where ${where(filter)} limit ${most}) as counted`.execute(
      this.#db,
    );
    return Number(rows[0]?.count ?? 0);
  }

  async *stream(filter: AuditFilter): AsyncGenerator<AuditRecord, void, void> {
    for (let last = '0'; ;) {
      const rows = await this.#read(sql`${where(filter)} and id > ${last}::bigint order by id limit ${streamedAtOnce}`);
      yield* await this.#open(rows);
      const end = rows.at(-1);
      if (end === undefined || rows.length < streamedAtOnce) return;
      last = end.id;
    }
  }

  async #read(condition: RawBuilder<unknown>): Promise<Row[]> {
    const { rows } = await sql<Row>`select * from audit_events where ${condition}`.execute(this.#db);
    return rows;
  }

  async #open(rows: readonly Row[]): Promise<AuditRecord[]> {
    const subjects = rows
      .filter((row) => row.origin_sealed ?? row.personal_sealed)
      .flatMap((row) => {
        const { origin, personal } = subjectsOf(row);
        return [origin, personal];
      });
    const boxes =
      subjects.length === 0 ? new Map<string, PersonBox>() : await this.#keys.forReading(this.#db, subjects);
    return rows.map((row) => {
      const { origin, personal } = subjectsOf(row);
      const from = read(boxes.get(origin), row.origin_sealed, originContext(origin));
      return {
        id: row.id,
        at: row.at,
        type: row.type as AuditEventType,
        actor: row.actor,
        target: row.target,
        result: row.result,
        reason: row.reason,
        details: row.details,
        requestId: row.request_id,
        address: from?.['address'] ?? null,
        userAgent: from?.['userAgent'] ?? null,
        personal: read(boxes.get(personal), row.personal_sealed, personalContext(personal)) ?? null,
      };
    });
  }
}

function read(
  box: PersonBox | undefined,
  sealed: string | null,
  context: ReturnType<typeof originContext>,
): Record<string, string> | undefined {
  if (box == null || sealed === null) return undefined;
  return JSON.parse(box.open(sealed, context).toString('utf8')) as Record<string, string>;
}

function where(filter: AuditFilter): RawBuilder<unknown> {
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (filter.types !== undefined) conditions.push(sql`type = any (${[...filter.types]}::text[])`);
  if (filter.actor !== undefined) conditions.push(sql`actor = ${filter.actor}`);
  if (filter.target !== undefined) conditions.push(sql`target = ${filter.target}`);
  if (filter.person !== undefined) {
    conditions.push(sql`(target = ${filter.person} or (actor = ${filter.person} and actor <> target))`);
  }
  if (filter.result !== undefined) conditions.push(sql`result = ${filter.result}`);
  if (filter.requestId !== undefined) conditions.push(sql`(request_id = ${filter.requestId} and request_id <> '')`);
  if (filter.from !== undefined) conditions.push(sql`at >= ${filter.from}`);
  if (filter.to !== undefined) conditions.push(sql`at < ${filter.to}`);
  return sql.join(conditions, sql` and `);
}

function writeCursor(id: string): string {
  return Buffer.from(`a${id}`).toString('base64url');
}

function readCursor(cursor: string): string {
  const id = /^a(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (id === undefined) throw new InvalidInput('cursor', 'this cursor was not made here');
  return id;
}
