import { sql, type Kysely, type Selectable } from 'kysely';
import { foldLogin } from '../../domain/login-name.ts';
import type { SignInPerson, SignInPersonStore } from '../../users/sign-in-person-store.ts';
import type { PersonKeys } from './audit-person-keys.ts';
import type { Tables } from './tables.ts';
import type { UsersTable } from './tables/users.ts';
import { toUser } from './user-store.ts';

interface Row extends Selectable<UsersTable> {
  readonly is_known_browser: boolean;
  readonly has_person_key: boolean;
  readonly person_key_sealed: string | null;
}

/** One statement, because every attempt at a password begins with it. */
export class PostgresSignInPersonStore implements SignInPersonStore {
  readonly #db: Kysely<Tables>;
  readonly #keys: PersonKeys;

  constructor(db: Kysely<Tables>, keys: PersonKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  async findByLogin(login: string, browserTokenHash: string | undefined): Promise<SignInPerson | undefined> {
    const { rows } = await sql<Row>`
      select u.*, pk.subject is not null as has_person_key, pk.key_sealed as person_key_sealed,
        exists (
          select from known_browsers b
          where b.token_hash = ${browserTokenHash ?? ''} and b.user_id = u.id and b.expires_at > now()
        ) as is_known_browser
      from login_names n
      join users u on u.id = n.user_id
      left join person_keys pk on pk.subject = u.id::text
      where n.name = ${foldLogin(login)}`.execute(this.#db);
    const row = rows[0];
    if (row === undefined) return undefined;
    // Whatever comes of the attempt is recorded under this person's key.
    if (row.has_person_key) this.#keys.remember(row.id, row.person_key_sealed);
    return {
      user: toUser(row),
      isKnownBrowser: row.is_known_browser,
      wrongPasswordsInARow: row.wrong_passwords_in_a_row,
    };
  }
}
