import { sql, type Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import { foldLogin } from '../../domain/login-name.ts';
import type { User } from '../../domain/user.ts';
import { Conflict } from '../../errors.ts';
import type { ImportedPerson, ImportStore } from '../../users/import-store.ts';
import { isUniqueViolation } from './faults.ts';
import type { Tables } from './tables.ts';
import { toUser } from './user-store.ts';

/** Seals a shared secret for the row of one authenticator. */
export type SealSecret = (secret: Uint8Array, row: { readonly id: string; readonly userId: string }) => string;

export class PostgresImportStore implements ImportStore {
  readonly #db: Kysely<Tables>;
  readonly #seal: SealSecret;

  constructor(db: Kysely<Tables>, seal: SealSecret) {
    this.#db = db;
    this.#seal = seal;
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
      await this.#db.insertInto('users').values(people.map(userRow)).execute();
      await this.#db.insertInto('login_names').values(people.flatMap(nameRows)).execute();
    } catch (error) {
      if (isUniqueViolation(error)) throw new Conflict('login_taken', 'this name or address is taken', 'username');
      throw error;
    }
    const authenticators = people.flatMap((person) => this.#authenticatorRows(person));
    if (authenticators.length > 0) await this.#db.insertInto('authenticators').values(authenticators).execute();
    const codes = people.flatMap(codeRows);
    if (codes.length > 0) await this.#db.insertInto('recovery_codes').values(codes).execute();
  }

  #authenticatorRows({ user, authenticators }: ImportedPerson) {
    return authenticators.map(({ secret, label, algorithm, digits, periodSeconds }) => {
      const id = newId();
      return {
        id,
        user_id: user.id,
        label,
        secret_sealed: this.#seal(secret, { id, userId: user.id }),
        algorithm,
        digits,
        period_seconds: periodSeconds,
        bound_to: '',
        last_step: -1,
        confirmed_at: sql<Date>`now()`,
      };
    });
  }
}

function userRow({ user }: ImportedPerson) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    email_verified: user.emailVerified,
    password_hash: user.passwordHash,
    password_changed_at: user.passwordHash === null ? null : sql<Date>`now()`,
    roles: [...user.roles],
    claims: JSON.stringify(user.claims),
    locale: user.locale,
  };
}

function nameRows({ user: { id, username, email } }: ImportedPerson) {
  const name = foldLogin(username);
  const names = [{ name, user_id: id, kind: 'username' as 'username' | 'email' }];
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
    prefix: null,
    pattern: recoveryCodes?.pattern ?? null,
    hash,
  }));
}
