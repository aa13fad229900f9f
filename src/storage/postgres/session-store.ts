import { sql, type Kysely } from 'kysely';
import type { ListedSession, SessionRecord, SessionStore } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';

export class PostgresSessionStore implements SessionStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async save(
    idHash: string,
    session: SessionRecord,
    origin: { address: string; userAgent: string },
    lifetimeSeconds: number,
  ): Promise<void> {
    // The id changes only from none (a rotation took the old one away) to one: a late save under an old id must not
    // make the old cookie live again, but its relying party's part is kept.
    await sql`
      insert into sessions as s (uid, id_hash, user_id, payload, authorizations, user_agent, address, expires_at)
      values (${session.uid}, ${idHash}, ${session.userId}, ${JSON.stringify(session.payload)}::jsonb,
        ${JSON.stringify(session.authorizations)}::jsonb, ${origin.userAgent.slice(0, 300)}, ${origin.address},
        now() + make_interval(secs => ${lifetimeSeconds}))
      on conflict (uid) do update set
        id_hash = coalesce(s.id_hash, excluded.id_hash),
        user_id = case when s.id_hash is null or s.id_hash = excluded.id_hash then excluded.user_id else s.user_id end,
        payload = case when s.id_hash is null or s.id_hash = excluded.id_hash then excluded.payload else s.payload end,
        authorizations = s.authorizations || excluded.authorizations,
        last_seen_at = now(),
        expires_at = case when s.id_hash is null or s.id_hash = excluded.id_hash
          then excluded.expires_at else s.expires_at end
      where s.ended_at is null`.execute(this.#db);
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
      .where('ended_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async endAll(userId: string, reason: string, exceptUid?: string): Promise<number> {
    let query = this.#db
      .updateTable('sessions')
      .set({ ended_at: sql`now()`, end_reason: reason, id_hash: null })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null);
    if (exceptUid !== undefined) query = query.where('uid', '<>', exceptUid);
    const { numUpdatedRows } = await query.executeTakeFirst();
    return Number(numUpdatedRows);
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

  async endSome(most: number, reason: string): Promise<number> {
    // Without order and past locked rows: sign-ins that go on at the same time wait for nothing.
    const { numAffectedRows } = await sql`
      update sessions set ended_at = now(), end_reason = ${reason}, id_hash = null
      where uid in (select uid from sessions where ended_at is null limit ${most} for update skip locked)`.execute(
      this.#db,
    );
    return Number(numAffectedRows ?? 0n);
  }

  #live() {
    return this.#db
      .selectFrom('sessions')
      .select(['uid', 'user_id', 'payload', 'authorizations'])
      .where('ended_at', 'is', null)
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
