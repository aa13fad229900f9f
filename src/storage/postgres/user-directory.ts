import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { foldLogin } from '../../domain/login-name.ts';
import type { ThrottleLimits } from '../../domain/throttle.ts';
import type { Role } from '../../domain/user.ts';
import type {
  CoverageRow,
  FactorState,
  ListedUser,
  UserDirectory,
  UserFilter,
  UserStatus,
} from '../../users/user-directory.ts';
import type { Tables } from './tables.ts';
import type { UsersTable } from './tables/users.ts';
import { isUuid, toUser } from './user-store.ts';

type Row = Selectable<UsersTable> & {
  status: UserStatus;
  factor_state: FactorState;
  authenticators: { id: string; label: string; created_at: string; last_used_at: string | null }[] | null;
  recovery_codes: number;
  factor_used_at: Date | null;
};

const status = sql<UserStatus>`
  case when u.disabled_at is not null then 'disabled' when u.password_hash is null then 'pending' else 'active' end`;
const liveFactor = sql`from authenticators a
  where a.user_id = u.id and a.confirmed_at is not null and a.voided_at is null`;
const pendingFactor = sql`from authenticators a
  where a.user_id = u.id and a.confirmed_at is null and a.voided_at is null and a.expires_at > now()`;

export class PostgresUserDirectory implements UserDirectory {
  readonly #db: Kysely<Tables>;
  readonly #limits: Pick<ThrottleLimits, 'cap' | 'inARowLimit'>;

  constructor(db: Kysely<Tables>, limits: Pick<ThrottleLimits, 'cap' | 'inARowLimit'>) {
    this.#db = db;
    this.#limits = limits;
  }

  async list(filter: UserFilter, limit: number, after: string | undefined): Promise<ListedUser[]> {
    const from = after === undefined ? sql`true` : sql`u.username collate "C" > ${after}`;
    const { rows } = await sql<Row>`
      ${this.#select()} where ${this.#where(filter)} and ${from}
      order by u.username collate "C" limit ${limit}`.execute(this.#db);
    return rows.map(toListed);
  }

  async find(id: string): Promise<ListedUser | undefined> {
    if (!isUuid(id)) return undefined;
    const { rows } = await sql<Row>`${this.#select()} where u.id = ${id}`.execute(this.#db);
    return rows[0] && toListed(rows[0]);
  }

  async count(filter: UserFilter, most: number): Promise<number> {
    const { rows } = await sql<{ count: string }>`
      select count(*) as count from (select 1 from users u where ${this.#where(filter)} limit ${most}) as counted`.execute(
      this.#db,
    );
    return Number(rows[0]?.count ?? 0);
  }

  async coverage(): Promise<CoverageRow[]> {
    const { rows } = await sql<{ status: UserStatus; state: FactorState; role: Role | ''; count: string }>`
      select status, state, role, count(*) as count from (
        select ${status} as status, ${this.#state()} as state, coalesce(u.roles[1], '') as role from users u
      ) as people group by status, state, role order by status, state, role`.execute(this.#db);
    return rows.map((row) => ({ ...row, count: Number(row.count) }));
  }

  async namesOf(ids: readonly string[]): Promise<Map<string, string>> {
    const asked = ids.filter(isUuid);
    if (asked.length === 0) return new Map();
    const rows = await this.#db.selectFrom('users').select(['id', 'username']).where('id', 'in', asked).execute();
    return new Map(rows.map(({ id, username }) => [id, username]));
  }

  #closed(): RawBuilder<boolean> {
    const { cap, inARowLimit } = this.#limits;
    return sql<boolean>`exists (select from guards g where g.user_id = u.id and (g.total >= ${cap}
      or (g.known_in_a_row >= ${inARowLimit} and g.other_in_a_row >= ${inARowLimit})))`;
  }

  #state(): RawBuilder<FactorState> {
    return sql<FactorState>`case when ${this.#closed()} then 'closed' when exists (select ${liveFactor}) then 'enabled'
      when exists (select ${pendingFactor}) then 'pending' else 'none' end`;
  }

  #select(): RawBuilder<Row> {
    return sql<Row>`
      select u.*, ${status} as status, ${this.#state()} as factor_state,
        (select json_agg(json_build_object('id', a.id, 'label', a.label, 'created_at', a.created_at,
          'last_used_at', a.last_used_at) order by a.created_at, a.id) ${liveFactor}) as authenticators,
        (select max(a.last_used_at) ${liveFactor}) as factor_used_at,
        (select count(*)::int from recovery_codes c
          where c.user_id = u.id and c.used_at is null and c.voided_at is null) as recovery_codes
      from users u`;
  }

  #where({ query, status: wanted, secondFactor, role }: UserFilter): RawBuilder<unknown> {
    const conditions: RawBuilder<unknown>[] = [sql`true`];
    if (wanted === 'disabled') conditions.push(sql`u.disabled_at is not null`);
    if (wanted === 'pending') conditions.push(sql`u.disabled_at is null and u.password_hash is null`);
    if (wanted === 'active') conditions.push(sql`u.disabled_at is null and u.password_hash is not null`);
    if (role !== undefined) conditions.push(sql`${role} = any (u.roles)`);
    if (secondFactor !== undefined) conditions.push(sql`${this.#state()} = ${secondFactor}`);
    if (query !== undefined && query !== '') {
      const beginning = `${foldLogin(query).replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
      const id = isUuid(query.toLowerCase()) ? query.toLowerCase() : null;
      conditions.push(sql`u.id in (select user_id from login_names where name like ${beginning}
        union select id from users where lower(claims ->> 'name') like ${beginning}
        union select ${id}::uuid)`);
    }
    return sql.join(conditions, sql` and `);
  }
}

function toListed(row: Row): ListedUser {
  return {
    user: toUser(row),
    status: row.status,
    secondFactor: {
      state: row.factor_state,
      authenticators: (row.authenticators ?? []).map((one) => ({
        id: one.id,
        label: one.label,
        createdAt: new Date(one.created_at),
        lastUsedAt: one.last_used_at === null ? null : new Date(one.last_used_at),
      })),
      recoveryCodesRemaining: row.recovery_codes,
      lastUsedAt: row.factor_used_at,
    },
  };
}
