import { sql, type Kysely, type Selectable } from 'kysely';
import type {
  Authenticator,
  AuthenticatorStore,
  NewAuthenticator,
  PendingAuthenticator,
} from '../../second-factor/authenticator-store.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';
import type { AuthenticatorsTable } from './tables/second-factor.ts';

interface AcceptArguments {
  readonly userId: string;
  readonly id: string;
  readonly timeStep: number;
  readonly driftSteps: number;
}

/** A spent step that lies ahead of the accepted one is still to come, and stays spent when it does. */
const accept = statement<AcceptArguments, unknown>`
  with done as (
    update authenticators set last_step = ${'timeStep'}::bigint, drift_steps = ${'driftSteps'}, last_used_at = now(),
      spent_steps = array(select s from unnest(spent_steps) s where s > ${'timeStep'}::bigint)
    where id = ${'id'} and user_id = ${'userId'} and confirmed_at is not null and voided_at is null
      and last_step < ${'timeStep'}::bigint and not (${'timeStep'}::bigint = any (spent_steps))
      and ${'timeStep'}::bigint <= floor(extract(epoch from clock_timestamp()) / period_seconds) + drift_steps + 2
    returning 1)
  select 1 / count(*)::int as changed from done`;

export class PostgresAuthenticatorStore implements AuthenticatorStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async listLive(userId: string): Promise<Authenticator[]> {
    const rows = await this.#db
      .selectFrom('authenticators')
      .selectAll()
      .where('user_id', '=', userId)
      .where('confirmed_at', 'is not', null)
      .where('voided_at', 'is', null)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(toAuthenticator);
  }

  async lockLive(userId: string): Promise<Authenticator[]> {
    await this.#lock(userId);
    return this.listLive(userId);
  }

  async findPending(userId: string): Promise<PendingAuthenticator | undefined> {
    const row = await this.#pending(userId)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst();
    return row && toPending(row);
  }

  async putPending(authenticator: NewAuthenticator, boundTo: string, lifetimeSeconds: number): Promise<Date> {
    const { rows } = await sql<{ expires_at: Date }>`
      insert into authenticators
        (id, user_id, label, secret_sealed, algorithm, digits, period_seconds, bound_to, expires_at)
      values (${authenticator.id}, ${authenticator.userId}, ${authenticator.label}, ${authenticator.secretSealed},
        ${authenticator.algorithm}, ${authenticator.digits}, ${authenticator.periodSeconds}, ${boundTo},
        now() + make_interval(secs => ${lifetimeSeconds}))
      on conflict (user_id) where confirmed_at is null and voided_at is null do update set
        id = excluded.id, label = excluded.label, secret_sealed = excluded.secret_sealed,
        algorithm = excluded.algorithm, digits = excluded.digits, period_seconds = excluded.period_seconds,
        bound_to = excluded.bound_to, confirm_tries = 0, created_at = now(), expires_at = excluded.expires_at
      returning expires_at`.execute(this.#db);
    const row = rows[0];
    if (row === undefined) throw new Error('the pending authenticator was not stored');
    return row.expires_at;
  }

  async chargeConfirm(
    userId: string,
    id: string,
    boundTo: string,
    mostTries: number,
  ): Promise<{ pending: PendingAuthenticator; triesLeft: number } | undefined> {
    const row = await this.#db
      .updateTable('authenticators')
      .set((eb) => ({ confirm_tries: eb('confirm_tries', '+', 1) }))
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('bound_to', '=', boundTo)
      .where('confirmed_at', 'is', null)
      .where('voided_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .where('confirm_tries', '<', mostTries)
      .returningAll()
      .executeTakeFirst();
    return row && { pending: toPending(row), triesLeft: mostTries - row.confirm_tries };
  }

  async confirm(userId: string, id: string, timeStep: number, driftSteps: number, most: number): Promise<boolean> {
    await this.#lock(userId);
    const { numUpdatedRows } = await this.#db
      .updateTable('authenticators')
      .set({
        confirmed_at: sql`now()`,
        last_used_at: sql`now()`,
        expires_at: null,
        last_step: timeStep,
        drift_steps: driftSteps,
      })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('confirmed_at', 'is', null)
      .where('voided_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .where(
        ({ selectFrom, val }) =>
          sql<boolean>`${selectFrom('authenticators as other')
            .select((eb) => eb.fn.countAll().as('n'))
            .where('other.user_id', '=', userId)
            .where('other.confirmed_at', 'is not', null)
            .where('other.voided_at', 'is', null)} < ${val(most)}`,
      )
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async dropPending(userId: string): Promise<void> {
    await this.#db
      .deleteFrom('authenticators')
      .where('user_id', '=', userId)
      .where('confirmed_at', 'is', null)
      .where('voided_at', 'is', null)
      .execute();
  }

  async accept(userId: string, id: string, timeStep: number, driftSteps: number): Promise<void> {
    await accept(this.#db, { userId, id, timeStep, driftSteps });
  }

  async spend(userId: string, id: string, timeSteps: readonly number[]): Promise<void> {
    await this.#db
      .updateTable('authenticators')
      .set({ spent_steps: sql`(spent_steps || ${[...timeSteps]}::bigint[])` })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .execute();
  }

  async rename(userId: string, id: string, label: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#live(userId).set({ label }).where('id', '=', id).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async remove(userId: string, id: string, reason: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#live(userId)
      .set({ voided_at: sql`now()`, void_reason: reason })
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async removeAll(userId: string, reason: string): Promise<number> {
    await this.dropPending(userId);
    const { numUpdatedRows } = await this.#live(userId)
      .set({ voided_at: sql`now()`, void_reason: reason })
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }

  async undoSince(userId: string, since: Date): Promise<{ voided: number; restored: number }> {
    await this.dropPending(userId);
    // What came with the account itself (an import) is nobody's change.
    const { rows } = await sql<{ voided: string; restored: string }>`
      with undone as (
        update authenticators set voided_at = now(), void_reason = 'undone'
        where user_id = ${userId} and confirmed_at > ${since} and voided_at is null
          and confirmed_at > (select u.created_at from users u where u.id = ${userId})
        returning 1
      ), back as (
        update authenticators set voided_at = null, void_reason = null
        where user_id = ${userId} and confirmed_at <= ${since} and voided_at > ${since}
          and void_reason in ('removed', 'recovery')
        returning 1
      ) select (select count(*) from undone) as voided, (select count(*) from back) as restored`.execute(this.#db);
    return { voided: Number(rows[0]?.voided ?? 0), restored: Number(rows[0]?.restored ?? 0) };
  }

  async insertLive(authenticator: NewAuthenticator, lastStep = -1): Promise<void> {
    await this.#db
      .insertInto('authenticators')
      .values({
        id: authenticator.id,
        user_id: authenticator.userId,
        label: authenticator.label,
        secret_sealed: authenticator.secretSealed,
        algorithm: authenticator.algorithm,
        digits: authenticator.digits,
        period_seconds: authenticator.periodSeconds,
        bound_to: '',
        last_step: lastStep,
        confirmed_at: sql`now()`,
      })
      .execute();
  }

  #pending(userId: string) {
    return this.#db
      .selectFrom('authenticators')
      .selectAll()
      .where('user_id', '=', userId)
      .where('confirmed_at', 'is', null)
      .where('voided_at', 'is', null);
  }

  /** The person's guard row is the lock under which authenticators are counted. */
  async #lock(userId: string): Promise<void> {
    await sql`insert into guards (user_id) values (${userId}) on conflict (user_id) do update set user_id = excluded.user_id`.execute(
      this.#db,
    );
  }

  #live(userId: string) {
    return this.#db
      .updateTable('authenticators')
      .where('user_id', '=', userId)
      .where('confirmed_at', 'is not', null)
      .where('voided_at', 'is', null);
  }
}

function toAuthenticator(row: Selectable<AuthenticatorsTable>): Authenticator {
  return {
    id: row.id,
    userId: row.user_id,
    label: row.label,
    secretSealed: row.secret_sealed,
    algorithm: row.algorithm,
    digits: row.digits === 8 ? 8 : 6,
    periodSeconds: row.period_seconds,
    driftSteps: row.drift_steps,
    lastStep: Number(row.last_step),
    spentSteps: row.spent_steps.map(Number),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}

function toPending(row: Selectable<AuthenticatorsTable>): PendingAuthenticator {
  if (row.expires_at === null) throw new Error('a pending authenticator has no expiry');
  return { ...toAuthenticator(row), expiresAt: row.expires_at, boundTo: row.bound_to };
}
