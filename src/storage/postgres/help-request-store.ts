import { sql, type Kysely } from 'kysely';
import type { HelpRequest, HelpRequestStore } from '../../users/help-request-store.ts';
import type { Tables } from './tables.ts';
import { isUuid } from './user-store.ts';

export class PostgresHelpRequestStore implements HelpRequestStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async insert(
    request: { id: string; login: string; message: string; address: string; userAgent: string },
    mostOpen: number,
  ): Promise<string | undefined> {
    const { id, login, message, address, userAgent } = request;
    const { rows } = await sql<{ user_id: string }>`
      insert into help_requests (id, user_id, message, address, user_agent)
      select ${id}::uuid, u.id, ${message}, ${address}, ${userAgent}
      from login_names n join users u on u.id = n.user_id
      where n.name = ${login} and u.disabled_at is null
        and (select count(*) from help_requests h where h.user_id = u.id and h.answered_at is null) < ${mostOpen}::int
      returning user_id`.execute(this.#db);
    return rows[0]?.user_id;
  }

  async find(id: string): Promise<HelpRequest | undefined> {
    return isUuid(id) ? this.#all().where('help_requests.id', '=', id).executeTakeFirst() : undefined;
  }

  async list(filter: { open?: boolean; userId?: string; after?: string; limit: number }): Promise<HelpRequest[]> {
    let query = this.#all().orderBy('help_requests.created_at').orderBy('help_requests.id').limit(filter.limit);
    if (filter.open !== undefined) {
      query = query.where('help_requests.answered_at', filter.open ? 'is' : 'is not', null);
    }
    if (filter.userId !== undefined) query = query.where('help_requests.user_id', '=', filter.userId);
    if (filter.after !== undefined && isUuid(filter.after)) {
      query = query.where(
        sql<boolean>`(help_requests.created_at, help_requests.id)
          > (select a.created_at, a.id from help_requests a where a.id = ${filter.after})`,
      );
    }
    return query.execute();
  }

  async answer(id: string, by: string, answer: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('help_requests')
      .set({ answered_at: sql`now()`, answered_by: by, answer })
      .where('id', '=', id)
      .where('answered_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  #all() {
    return this.#db
      .selectFrom('help_requests')
      .innerJoin('users', 'users.id', 'help_requests.user_id')
      .select([
        'help_requests.id as id',
        'help_requests.user_id as userId',
        'users.username as username',
        'help_requests.message as message',
        'help_requests.address as address',
        'help_requests.user_agent as userAgent',
        'help_requests.created_at as createdAt',
        'help_requests.answered_at as answeredAt',
        'help_requests.answered_by as answeredBy',
        'help_requests.answer as answer',
      ]);
  }
}
