import { sql, type Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import { foldLogin } from '../../domain/login-name.ts';
import type { User } from '../../domain/user.ts';
import { Conflict } from '../../errors.ts';
import type { ImportedPerson, ImportStore } from '../../users/import-store.ts';
import type { PersonKeys } from './audit-person-keys.ts';
import { isUniqueViolation } from './faults.ts';
import type { Tables } from './tables.ts';
import { toUser } from './user-store.ts';

/** Seals a shared secret for the row of one authenticator. */
export type SealSecret = (secret: Uint8Array, row: { readonly id: string; readonly userId: string }) => string;

/**
 * Rows go over as one JSON value a table: the statement is the same whatever their number, and the database reads JSON
 * faster than thousands of parameters.
 */
export class PostgresImportStore implements ImportStore {
  readonly #db: Kysely<Tables>;
  readonly #seal: SealSecret;
  readonly #keys: Pick<PersonKeys, 'newSealed'>;

  constructor(db: Kysely<Tables>, seal: SealSecret, keys: Pick<PersonKeys, 'newSealed'>) {
    this.#db = db;
    this.#seal = seal;
    this.#keys = keys;
  }

  async findTaken(names: readonly string[]): Promise<ReadonlyMap<string, User>> {
    const rows = await this.#db
      .selectFrom('login_names')
      .innerJoin('users', 'users.id', 'login_names.user_id')
      .selectAll('users')
      .select('login_names.name as login_name')
      .where('login_names.name', '=', sql<string>`any (${[...names]})`)
      .execute();
    return new Map(rows.map((row) => [row.login_name, toUser(row)]));
  }

  async insertAll(people: readonly ImportedPerson[]): Promise<void> {
    try {
      await sql`
        insert into users (id, username, email, email_verified, password_hash, password_changed_at, roles, claims, locale)
        select id, username, email, email_verified, password_hash,
          case when password_hash is null then null else now() end, roles, claims, locale
        from json_to_recordset(${json(people.map(userRow))}::json) as given
          (id uuid, username text, email text, email_verified boolean, password_hash text, roles text[],
           claims jsonb, locale text)
        `.execute(this.#db);
      await sql`
        insert into login_names (name, user_id, kind) select name, user_id, kind
        from json_to_recordset(${json(people.flatMap(nameRows))}::json) as given (name text, user_id uuid, kind text)
        `.execute(this.#db);
    } catch (error) {
      if (isUniqueViolation(error)) throw new Conflict('login_taken', 'this name or address is taken', 'username');
      throw error;
    }
    const keys = people.map(({ user: { id } }) => ({ subject: id, key_sealed: this.#keys.newSealed(id) }));
    await sql`
      insert into person_keys (subject, key_sealed) select subject, key_sealed
      from json_to_recordset(${json(keys)}::json) as given (subject text, key_sealed text)
      -- Whoever was erased under the same id keeps the mark of it.
      on conflict (subject) do nothing`.execute(this.#db);
    const authenticators = people.flatMap((person) => this.#authenticatorRows(person));
    if (authenticators.length > 0) {
      await sql`
        insert into authenticators
          (id, user_id, label, secret_sealed, algorithm, digits, period_seconds, bound_to, last_step, confirmed_at)
        select id, user_id, label, secret_sealed, algorithm, digits, period_seconds, '', -1, now()
        from json_to_recordset(${json(authenticators)}::json) as given
          (id uuid, user_id uuid, label text, secret_sealed text, algorithm text, digits int, period_seconds int)
        `.execute(this.#db);
    }
    const codes = people.flatMap(codeRows);
    if (codes.length > 0) {
      await sql`
        insert into recovery_codes (id, user_id, set_id, prefix, pattern, hash)
        select id, user_id, set_id, null, pattern, hash
        from json_to_recordset(${json(codes)}::json) as given
          (id uuid, user_id uuid, set_id uuid, pattern text, hash text)
        `.execute(this.#db);
    }
  }

  #authenticatorRows({ user, authenticators }: ImportedPerson) {
    return authenticators.map(({ secret, label, algorithm, digits, periodSeconds }) => {
      const id = newId();
      const sealed = this.#seal(secret, { id, userId: user.id });
      return { id, user_id: user.id, label, secret_sealed: sealed, algorithm, digits, period_seconds: periodSeconds };
    });
  }
}

const json = (rows: readonly object[]): string => JSON.stringify(rows);

function userRow({ user }: ImportedPerson) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    email_verified: user.emailVerified,
    password_hash: user.passwordHash,
    roles: user.roles,
    claims: user.claims,
    locale: user.locale,
  };
}

function nameRows({ user: { id, username, email } }: ImportedPerson) {
  const name = foldLogin(username);
  const names = [{ name, user_id: id, kind: 'username' }];
  const address = email === null ? name : foldLogin(email);
  if (address !== name) names.push({ name: address, user_id: id, kind: 'email' });
  return names;
}

function codeRows({ user, recoveryCodes }: ImportedPerson) {
  const setId = newId();
  return (recoveryCodes?.hashes ?? []).map((hash) => ({
    id: newId(),
    user_id: user.id,
    set_id: setId,
    pattern: recoveryCodes?.pattern ?? null,
    hash,
  }));
}
