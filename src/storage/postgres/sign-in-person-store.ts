import type { Kysely, Selectable } from 'kysely';
import { foldLogin } from '../../domain/login-name.ts';
import type { ProvenPerson, SignInPerson, SignInPersonStore } from '../../users/sign-in-person-store.ts';
import type { PersonKeys } from './audit-person-keys.ts';
import { failedSince } from './challenge-history.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';
import type { UsersTable } from './tables/users.ts';
import { toUser } from './user-store.ts';

interface Row extends Selectable<UsersTable> {
  readonly is_known_browser: boolean;
  readonly has_person_key: boolean;
  readonly person_key_sealed: string | null;
}

interface LoginArguments {
  readonly name: string;
  readonly browserTokenHash: string;
}

const findByLogin = statement<LoginArguments, Row>`
  select u.*, pk.subject is not null as has_person_key, pk.key_sealed as person_key_sealed,
    exists (
      select from known_browsers b
      where b.token_hash = ${'browserTokenHash'} and b.user_id = u.id and b.expires_at > now()
    ) as is_known_browser
  from login_names n
  join users u on u.id = n.user_id
  left join person_keys pk on pk.subject = u.id::text
  where n.name = ${'name'}`;

interface ProvenArguments {
  readonly userId: string;
  readonly browserTokenHash: string;
  readonly accepted: number;
}

interface ProvenRow extends Selectable<UsersTable> {
  readonly is_known_browser: boolean;
  readonly live_sessions: number;
  readonly failed_challenges: number;
}

const findProven = statement<ProvenArguments, ProvenRow>`
  select u.*,
    exists (
      select from known_browsers b
      where b.token_hash = ${'browserTokenHash'} and b.user_id = u.id and b.expires_at > now()
    ) as is_known_browser,
    (select count(*)::int from sessions s where s.user_id = u.id and s.ended_at is null) as live_sessions,
    ${failedSince} as failed_challenges
  from users u where u.id = ${'userId'}`;

interface AsReadArguments {
  readonly userId: string;
  readonly securityStamp: string;
  readonly changePasswordAt: number;
  readonly accepted: number;
}

const failUnlessAsRead = statement<AsReadArguments, unknown>`
  select 1 / count(*)::int as stands from users u join guards g on g.user_id = u.id
  where u.id = ${'userId'} and u.disabled_at is null and u.security_stamp = ${'securityStamp'}
    and g.total < ${'changePasswordAt'} and ${failedSince} = 0`;

/** One statement each, because every sign-in asks them. */
export class PostgresSignInPersonStore implements SignInPersonStore {
  readonly #db: Kysely<Tables>;
  readonly #keys: PersonKeys;

  constructor(db: Kysely<Tables>, keys: PersonKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  async findByLogin(login: string, browserTokenHash: string | undefined): Promise<SignInPerson | undefined> {
    const [row] = await findByLogin(this.#db, {
      name: foldLogin(login),
      browserTokenHash: browserTokenHash ?? '',
    });
    if (row === undefined) return undefined;
    // Whatever comes of the attempt is recorded under this person's key.
    if (row.has_person_key) this.#keys.remember(row.id, row.person_key_sealed);
    return {
      user: toUser(row),
      isKnownBrowser: row.is_known_browser,
      wrongPasswordsInARow: row.wrong_passwords_in_a_row,
    };
  }

  async findProven(
    userId: string,
    browserTokenHash: string | undefined,
    isAccepted: boolean,
  ): Promise<ProvenPerson | undefined> {
    const given = { userId, browserTokenHash: browserTokenHash ?? '', accepted: isAccepted ? 1 : 0 };
    const [row] = await findProven(this.#db, given);
    return (
      row && {
        user: toUser(row),
        isKnownBrowser: row.is_known_browser,
        liveSessions: row.live_sessions,
        failedChallenges: row.failed_challenges,
      }
    );
  }

  async failUnlessAsRead(read: { userId: string; securityStamp: string; changePasswordAt: number }): Promise<void> {
    await failUnlessAsRead(this.#db, { ...read, accepted: 1 });
  }
}
