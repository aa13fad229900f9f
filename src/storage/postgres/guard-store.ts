import { sql, type Kysely, type Selectable } from 'kysely';
import { challengeLifetimeSeconds, type ChallengeState, type GuardState, type Lane } from '../../domain/throttle.ts';
import type { Charged, ChargeRequest, GuardStore, OpenedChallenge } from '../../second-factor/guard-store.ts';
import { chargeIn } from './guard-charge.ts';
import { settleIn, settleOrFailIn } from './guard-settle.ts';
import { mayBeLost } from './may-be-lost.ts';
import { part, statement } from './statement.ts';
import type { GuardsTable } from './tables/second-factor.ts';
import type { Tables } from './tables.ts';

interface OpenArguments extends OpenedChallenge {
  readonly lifetimeSeconds: number;
}

const opening = part<OpenArguments>`
  with guard as (insert into guards (user_id) values (${'userId'}) on conflict do nothing)
  insert into challenges (id, user_id, lane, purpose, bound_to, expires_at)
  values (${'id'}, ${'userId'}, ${'lane'}, ${'purpose'}, ${'boundTo'},
    now() + make_interval(secs => ${'lifetimeSeconds'}))`;
const open = statement<OpenArguments, never>`${opening}`;
const openAlone = statement<OpenArguments, unknown>`${opening} returning ${mayBeLost}`;

export class PostgresGuardStore implements GuardStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async open(challenge: OpenedChallenge, lifetimeSeconds = challengeLifetimeSeconds): Promise<void> {
    await (this.#db.isTransaction ? open : openAlone)(this.#db, { ...challenge, lifetimeSeconds });
  }

  async charge(request: ChargeRequest): Promise<Charged | undefined> {
    return chargeIn(this.#db, request);
  }

  async read(
    userId: string,
    challengeId: string,
  ): Promise<{ guard: GuardState; challenge: ChallengeState; boundTo: string } | undefined> {
    const row = await this.#db
      .selectFrom('challenges')
      .selectAll()
      .where('id', '=', challengeId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      guard: await this.readGuard(userId),
      boundTo: row.bound_to,
      challenge: {
        lane: row.lane,
        tries: row.tries,
        units: row.units,
        closed: row.closed_at !== null,
        expiresAt: row.expires_at.getTime() / 1000,
      },
    };
  }

  async readGuard(userId: string): Promise<GuardState> {
    const row = await this.#db.selectFrom('guards').selectAll().where('user_id', '=', userId).executeTakeFirst();
    return toGuardState(row);
  }

  async settle(userId: string, challengeId: string): Promise<number | undefined> {
    return settleIn(this.#db, { userId, challengeId });
  }

  async settleOrFail(userId: string, challengeId: string): Promise<number> {
    return settleOrFailIn(this.#db, { userId, challengeId });
  }

  async giveBack(userId: string, challengeId: string, units: number): Promise<void> {
    const lane = (name: Lane) => sql`
      ${sql.ref(`${name}_units`)} = greatest(0, g.${sql.ref(`${name}_units`)}
        - case when c.lane = ${name} then ${units}::int else 0 end),
      ${sql.ref(`${name}_day_units`)} = greatest(0, g.${sql.ref(`${name}_day_units`)}
        - case when c.lane = ${name} and c.day_started_at = g.${sql.ref(`${name}_day_started_at`)} then ${units}::int else 0 end)`;
    await sql`
      with c as (
        update challenges set units = units - ${units}::int
        where id = ${challengeId} and user_id = ${userId} and units >= ${units}::int
          and outcome is distinct from 'accepted'
        returning lane, day_started_at
      )
      update guards g set total = greatest(0, g.total - ${units}::int), ${lane('known')}, ${lane('other')}
      from c where g.user_id = ${userId}`.execute(this.#db);
  }

  async markSpent(challengeId: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('challenges')
      .set({ closed_at: sql`now()`, outcome: 'spent' })
      .where('id', '=', challengeId)
      .where('closed_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async noteEarly(
    challengeId: string,
    offset: number,
    step: number,
  ): Promise<{ offset: number; step: number } | undefined> {
    const { rows } = await sql<{ early_offset: number | null; early_step: string | null }>`
      with old as (select id, early_offset, early_step from challenges where id = ${challengeId} for update)
      update challenges c set early_offset = ${offset}, early_step = ${step}
      from old where c.id = old.id
      returning old.early_offset, old.early_step`.execute(this.#db);
    const row = rows[0];
    if (row?.early_offset == null || row.early_step === null) return undefined;
    return { offset: row.early_offset, step: Number(row.early_step) };
  }

  async raiseTold(userId: string, units: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('guards')
      .set({ told_at_units: units })
      .where('user_id', '=', userId)
      .where('told_at_units', '<', units)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async clear(userId: string): Promise<void> {
    await this.#db
      .updateTable('guards')
      .set({
        total: 0,
        known_units: 0,
        known_in_a_row: 0,
        known_next_try_at: null,
        known_day_units: 0,
        known_day_started_at: null,
        other_units: 0,
        other_in_a_row: 0,
        other_next_try_at: null,
        other_day_units: 0,
        other_day_started_at: null,
        told_at_units: 0,
      })
      .where('user_id', '=', userId)
      .execute();
    // Open challenges belong to the old password: their units would be returned to a total they never raised.
    await this.#db
      .updateTable('challenges')
      .set({ closed_at: sql`now()`, outcome: 'void', units: 0 })
      .where('user_id', '=', userId)
      .where('closed_at', 'is', null)
      .execute();
  }

  async clearFailuresInARow(userId: string): Promise<void> {
    await this.#db
      .updateTable('guards')
      .set({ known_in_a_row: 0, known_next_try_at: null, other_in_a_row: 0, other_next_try_at: null })
      .where('user_id', '=', userId)
      .execute();
  }

  async voidChallenges(userId: string): Promise<void> {
    await this.#db
      .updateTable('challenges')
      .set({ closed_at: sql`now()`, outcome: 'void' })
      .where('user_id', '=', userId)
      .where('closed_at', 'is', null)
      .execute();
  }

  async countGuessedAccounts(): Promise<{ failed: number; accepted: number }> {
    const { rows } = await sql<{ failed: string; accepted: string }>`
      select count(distinct user_id) filter (where lane = 'other' and tries > 0 and outcome is distinct from 'accepted')
          as failed,
        count(distinct user_id) filter (where outcome = 'accepted') as accepted
      from challenges where opened_at > now() - interval '1 hour'`.execute(this.#db);
    return { failed: Number(rows[0]?.failed ?? 0), accepted: Number(rows[0]?.accepted ?? 0) };
  }
}

/** A guard as its row has it; a person whom nobody guessed at has none. */
export function toGuardState(row: Partial<Selectable<GuardsTable>> | undefined): GuardState {
  const seconds = (date: Date | null | undefined): number | null => (date ? date.getTime() / 1000 : null);
  return {
    total: row?.total ?? 0,
    lanes: {
      known: {
        units: row?.known_units ?? 0,
        inARow: row?.known_in_a_row ?? 0,
        nextTryAt: seconds(row?.known_next_try_at),
        dayStartedAt: seconds(row?.known_day_started_at),
        dayUnits: row?.known_day_units ?? 0,
      },
      other: {
        units: row?.other_units ?? 0,
        inARow: row?.other_in_a_row ?? 0,
        nextTryAt: seconds(row?.other_next_try_at),
        dayStartedAt: seconds(row?.other_day_started_at),
        dayUnits: row?.other_day_units ?? 0,
      },
    },
  };
}
