import { sql, type Kysely } from 'kysely';
import type { RestoredState } from '../../second-factor/after-restore.ts';
import type { Tables } from './tables.ts';

export class PostgresRestoredState implements RestoredState {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async raiseLastSteps(): Promise<number> {
    const { numAffectedRows } = await sql`
      update authenticators
      set last_step = greatest(last_step, floor(extract(epoch from clock_timestamp()) / period_seconds)::bigint)
      where voided_at is null`.execute(this.#db);
    return Number(numAffectedRows ?? 0n);
  }

  async endEverythingOpen(): Promise<number> {
    await sql`delete from tokens`.execute(this.#db);
    await sql`delete from grants`.execute(this.#db);
    await sql`update challenges set closed_at = now(), outcome = 'void' where closed_at is null`.execute(this.#db);
    await sql`update links set used_at = now() where used_at is null`.execute(this.#db);
    await sql`delete from authenticators where confirmed_at is null`.execute(this.#db);
    await sql`update users set security_stamp = gen_random_uuid()`.execute(this.#db);
    const { numAffectedRows } = await sql`
      update sessions set ended_at = now(), end_reason = 'restored' where ended_at is null`.execute(this.#db);
    return Number(numAffectedRows ?? 0n);
  }

  async voidRecoveryCodes(): Promise<number> {
    const { numAffectedRows } = await sql`
      update recovery_codes set voided_at = now(), void_reason = 'replaced'
      where used_at is null and voided_at is null`.execute(this.#db);
    return Number(numAffectedRows ?? 0n);
  }
}
