import { sql, type Kysely } from 'kysely';
import type { ListedSession, SavedSession, SessionRecord, SessionStore } from '../../provider/stores.ts';
import { Conflict, NotFound } from '../../errors.ts';
import { notEnded } from './not-ended.ts';
import { saveSessionOnce } from './save-session.ts';
import type { Tables } from './tables.ts';

export class PostgresSessionStore implements SessionStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async save(saved: SavedSession): Promise<void> {
    // One arbiter is not enough: an insert that misses a row just being updated would meet the unique id_hash and fail.
    // So the insert gives way to every index, and where neither found the other's row, the next look does.
    for (let look = 0; look < 3; look += 1) {
      if (await saveSessionOnce(this.#db, saved, !this.#db.isTransaction)) return;
    }
    throw new Conflict('session_conflict', 'the session was being written by too many at once');
  }

  async find(idHash: string, idleSeconds: number): Promise<SessionRecord | undefined> {
    const row = await this.#live()
      .where('id_hash', '=', idHash)
      .where(sql<boolean>`last_seen_at > now() - make_interval(secs => ${idleSeconds})`)
      .executeTakeFirst();
    return row && toRecord(row);
  }

  async findByUid(uid: string): Promise<SessionRecord | undefined> {
    const row = await this.#live().where('uid', '=', uid).executeTakeFirst();
    return row && toRecord(row);
  }

  async forgetId(idHash: string): Promise<void> {
    await this.#db.updateTable('sessions').set({ id_hash: null }).where('id_hash', '=', idHash).execute();
  }

  async end(uid: string, reason: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('sessions')
      .set({ ended_at: sql`now()`, end_reason: reason, id_hash: null })
      .where('uid', '=', uid)
      .where(sql<boolean>`${sql.raw(notEnded('ended_at'))}`)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async endAll(userId: string, reason: string, exceptUid?: string) {
    // First: a resume that holds the person's row writes its session before the next statement looks for sessions, and
    // one that comes later finds another stamp.
    const { security_stamp: securityStamp } = await this.#db
      .updateTable('users')
      .set({ security_stamp: sql`gen_random_uuid()` })
      .where('id', '=', userId)
      .returning('security_stamp')
      .executeTakeFirstOrThrow(() => new NotFound('no such user'));
    let query = this.#db
      .updateTable('sessions')
      .set({ ended_at: sql`now()`, end_reason: reason, id_hash: null })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null);
    if (exceptUid !== undefined) query = query.where('uid', '<>', exceptUid);
    const { numUpdatedRows } = await query.executeTakeFirst();
    return { count: Number(numUpdatedRows), securityStamp };
  }

  async endIdlest(userId: string, keep: number, reason: string): Promise<number> {
    const { numUpdatedRows } = await this.#db
      .updateTable('sessions')
      .set({ ended_at: sql`now()`, end_reason: reason, id_hash: null })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .where(
        sql<boolean>`uid not in (
          select s.uid from sessions s where s.user_id = ${userId} and s.ended_at is null
          order by s.last_seen_at desc limit ${keep})`,
      )
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }

  async list(userId: string): Promise<ListedSession[]> {
    const rows = await this.#db
      .selectFrom('sessions')
      .select(['uid', 'user_agent', 'address', 'created_at', 'last_seen_at', 'authorizations'])
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .orderBy('last_seen_at', 'desc')
      .limit(100)
      .execute();
    return rows.map((row) => ({
      uid: row.uid,
      userAgent: row.user_agent,
      address: row.address,
      startedAt: row.created_at,
      lastSeenAt: row.last_seen_at,
      clientIds: Object.keys(row.authorizations),
    }));
  }

  async endHalfway(most: number, after: string | undefined) {
    const { rows } = await sql<{ id: string; in_use: boolean }>`
      with page as (
        select id from users where ${after === undefined ? sql`true` : sql`id > ${after}`} order by id limit ${most}),
      free as (select id from users where id in (select id from page) order by id for no key update skip locked),
      done as (update users set security_stamp = gen_random_uuid() where id in (select id from free) returning id)
      select id, done.id is null as in_use from page left join done using (id) order by id`.execute(this.#db);
    return { last: rows.at(-1)?.id, inUse: rows.filter((row) => row.in_use).map(({ id }) => id) };
  }

  async endHalfwayOf(userIds: readonly string[]): Promise<void> {
    await sql`
      update users set security_stamp = gen_random_uuid() where id in (
        select id from users where id = any (${[...userIds]}::uuid[]) order by id for no key update)`.execute(this.#db);
  }

  async endSome(most: number, reason: string, waits: boolean): Promise<number> {
    // Without order and past locked rows: sign-ins that go on at the same time wait for nothing.
    const { numAffectedRows } = await sql`
      update sessions set ended_at = now(), end_reason = ${reason}, id_hash = null
      where uid in (
        select uid from sessions where ended_at is null limit ${most} for update ${waits ? sql`` : sql`skip locked`})
      `.execute(this.#db);
    return Number(numAffectedRows ?? 0n);
  }

  #live() {
    return this.#db
      .selectFrom('sessions')
      .select(['uid', 'user_id', 'payload', 'authorizations'])
      .where(sql<boolean>`${sql.raw(notEnded('ended_at'))}`)
      .where('expires_at', '>', sql<Date>`now()`);
  }
}

function toRecord(row: {
  uid: string;
  user_id: string | null;
  payload: Record<string, unknown>;
  authorizations: Record<string, unknown>;
}): SessionRecord {
  return { uid: row.uid, userId: row.user_id, payload: row.payload, authorizations: row.authorizations };
}
