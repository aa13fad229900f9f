import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** A sealed value and where it belongs. */
export interface SealedSample {
  readonly table: string;
  readonly column: string;
  readonly owner: string;
  readonly row: string;
  readonly sealed: string;
}

/** The database's version in words, and its clock in milliseconds since 1970. */
export async function readServer(
  db: Kysely<Tables>,
): Promise<{ readonly version: string; readonly milliseconds: number }> {
  const { rows } = await sql<{ version: string; now: string }>`
    select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now`.execute(
    db,
  );
  return { version: rows[0]?.version ?? '', milliseconds: Number(rows[0]?.now) };
}

/** The newest and the oldest sealed values of authenticators, signing keys and the audit's keys. */
export async function sampleSealed(db: Kysely<Tables>, most: number): Promise<SealedSample[]> {
  const { rows } = await sql<SealedSample>`
    (select 'authenticators' as table, 'secret_sealed' as column, user_id::text as owner, id::text as row,
      secret_sealed as sealed from authenticators order by created_at desc limit ${most})
    union
    (select 'authenticators', 'secret_sealed', user_id::text, id::text, secret_sealed
      from authenticators order by created_at limit ${most})
    union
    (select 'signing_keys', 'private_sealed', '', kid, private_sealed from signing_keys
      where state <> 'revoked' limit ${most})
    union
    (select 'person_keys', 'key_sealed', subject, subject, key_sealed from person_keys
      where key_sealed is not null order by created_at desc limit ${most})
    union
    (select 'person_keys', 'key_sealed', subject, subject, key_sealed from person_keys
      where key_sealed is not null order by created_at limit ${most})`.execute(db);
  return rows;
}
