import { sql, type Kysely, type Selectable } from 'kysely';
import type { User } from '../../domain/user.ts';
import { foldLogin } from '../../domain/login-name.ts';
import { Conflict } from '../../errors.ts';
import type { NewUser, UserChange, UserStore } from '../../users/user-store.ts';
import { isUniqueViolation } from './faults.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';
import type { UsersTable } from './tables/users.ts';

const find = statement<{ readonly id: string }, Selectable<UsersTable>>`select * from users where id = ${'id'}`;

export class PostgresUserStore implements UserStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(id: string): Promise<User | undefined> {
    if (!isUuid(id)) return undefined;
    const [row] = await find(this.#db, { id });
    return row && toUser(row);
  }

  async findByLogin(login: string): Promise<User | undefined> {
    const row = await this.#db
      .selectFrom('users')
      .innerJoin('login_names', 'login_names.user_id', 'users.id')
      .selectAll('users')
      .where('login_names.name', '=', foldLogin(login))
      .executeTakeFirst();
    return row && toUser(row);
  }

  async insert(user: NewUser): Promise<void> {
    try {
      await this.#db
        .insertInto('users')
        .values({
          id: user.id,
          username: user.username,
          email: user.email,
          email_verified: user.emailVerified,
          password_hash: user.passwordHash,
          password_changed_at: user.passwordHash === null ? null : sql`now()`,
          roles: [...user.roles],
          claims: JSON.stringify(user.claims),
          locale: user.locale,
        })
        .execute();
      const names = [{ name: foldLogin(user.username), user_id: user.id, kind: 'username' as const }];
      const email = user.email === null ? null : foldLogin(user.email);
      await this.#db.insertInto('login_names').values(names).execute();
      if (email !== null && email !== names[0]?.name) {
        await this.#db.insertInto('login_names').values({ name: email, user_id: user.id, kind: 'email' }).execute();
      }
    } catch (error) {
      if (isUniqueViolation(error)) throw new Conflict('login_taken', 'this name or address is taken', 'username');
      throw error;
    }
  }

  async list(limit: number, after: string | undefined): Promise<User[]> {
    let query = this.#db.selectFrom('users').selectAll().orderBy('username').limit(limit);
    if (after !== undefined) query = query.where('username', '>', after);
    return (await query.execute()).map(toUser);
  }

  async setPassword(id: string, passwordHash: string): Promise<void> {
    await this.#db
      .updateTable('users')
      .set((eb) => ({
        password_hash: passwordHash,
        password_changed_at: sql`now()`,
        password_version: eb('password_version', '+', 1),
        wrong_passwords_in_a_row: 0,
        updated_at: sql`now()`,
        version: eb('version', '+', 1),
      }))
      .where('id', '=', id)
      .execute();
  }

  async voidPassword(id: string): Promise<void> {
    await this.#db
      .updateTable('users')
      .set((eb) => ({
        password_hash: null,
        password_version: eb('password_version', '+', 1),
        updated_at: sql`now()`,
        version: eb('version', '+', 1),
      }))
      .where('id', '=', id)
      .execute();
  }

  async setEmail(id: string, email: string | null, verified: boolean): Promise<void> {
    try {
      const row = await this.#db
        .updateTable('users')
        .set((eb) => ({
          email,
          email_verified: verified,
          updated_at: sql`now()`,
          version: eb('version', '+', 1),
        }))
        .where('id', '=', id)
        .returning('username')
        .executeTakeFirst();
      if (row === undefined) return;
      await this.#db.deleteFrom('login_names').where('user_id', '=', id).where('kind', '=', 'email').execute();
      const name = email === null ? null : foldLogin(email);
      if (name === null || name === foldLogin(row.username)) return;
      await this.#db.insertInto('login_names').values({ name, user_id: id, kind: 'email' }).execute();
    } catch (error) {
      if (isUniqueViolation(error)) throw new Conflict('login_taken', 'this address is taken', 'email');
      throw error;
    }
  }

  async restoreEmail(id: string, since: Date): Promise<boolean> {
    // The earliest of those replaced since then is the one that stood at that time.
    const stood = await this.#db
      .selectFrom('previous_addresses')
      .select(['address', 'verified'])
      .where('user_id', '=', id)
      .where('replaced_at', '>', since)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (stood === undefined) return false;
    await this.setEmail(id, stood.address, stood.verified);
    // Neither the thief's address, which the change back has just put there, nor any other of that time is told again.
    await this.#db
      .deleteFrom('previous_addresses')
      .where('user_id', '=', id)
      .where('replaced_at', '>', since)
      .execute();
    return true;
  }

  async replaceHash(id: string, oldHash: string, newHash: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('users')
      .set({ password_hash: newHash })
      .where('id', '=', id)
      .where('password_hash', '=', oldHash)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async setDisabled(id: string, disabled: boolean): Promise<boolean> {
    if (!isUuid(id)) return false;
    const { numUpdatedRows } = await this.#db
      .updateTable('users')
      .set((eb) => ({
        disabled_at: disabled ? sql`coalesce(disabled_at, now())` : null,
        updated_at: sql`now()`,
        version: eb('version', '+', 1),
      }))
      .where('id', '=', id)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async countWrongPassword(id: string): Promise<number> {
    const row = await this.#db
      .updateTable('users')
      .set((eb) => ({ wrong_passwords_in_a_row: eb('wrong_passwords_in_a_row', '+', 1) }))
      .where('id', '=', id)
      .returning('wrong_passwords_in_a_row')
      .executeTakeFirst();
    return row?.wrong_passwords_in_a_row ?? 0;
  }

  async clearWrongPasswords(id: string): Promise<void> {
    await this.#db
      .updateTable('users')
      .set({ wrong_passwords_in_a_row: 0 })
      .where('id', '=', id)
      .where('wrong_passwords_in_a_row', '>', 0)
      .execute();
  }

  async update(id: string, change: UserChange, expectedVersion: number | undefined): Promise<User | undefined> {
    if (!isUuid(id)) return undefined;
    const { emailVerified, claims, roles, ...same } = change;
    try {
      const row = await this.#db
        .updateTable('users')
        .set((eb) => ({
          ...same,
          ...(emailVerified === undefined ? {} : { email_verified: emailVerified }),
          ...(claims === undefined ? {} : { claims: JSON.stringify(claims) }),
          ...(roles === undefined ? {} : { roles: [...roles] }),
          updated_at: sql`now()`,
          version: eb('version', '+', 1),
        }))
        .where('id', '=', id)
        .$if(expectedVersion !== undefined, (query) => query.where('version', '=', expectedVersion ?? 0))
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      if (change.username !== undefined || change.email !== undefined) await this.#putLoginNames(row);
      return toUser(row);
    } catch (error) {
      if (isUniqueViolation(error)) throw new Conflict('login_taken', 'this name or address is taken', 'username');
      throw error;
    }
  }

  async #putLoginNames({ id, username, email }: Selectable<UsersTable>): Promise<void> {
    await this.#db.deleteFrom('login_names').where('user_id', '=', id).execute();
    const name = foldLogin(username);
    const names = [{ name, user_id: id, kind: 'username' as 'username' | 'email' }];
    const address = email === null ? name : foldLogin(email);
    if (address !== name) names.push({ name: address, user_id: id, kind: 'email' });
    await this.#db.insertInto('login_names').values(names).execute();
  }

  async remove(id: string): Promise<boolean> {
    if (!isUuid(id)) return false;
    const { numDeletedRows } = await this.#db.deleteFrom('users').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async lockOperators(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('users')
      .select('id')
      .where(sql<boolean>`'operator' = any (roles)`)
      .where('disabled_at', 'is', null)
      .orderBy('id')
      .forUpdate()
      .execute();
    return rows.map(({ id }) => id);
  }

  async countOperators(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('users')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where(sql<boolean>`'operator' = any (roles)`)
      .where('disabled_at', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(count);
  }
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

export function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    emailVerified: row.email_verified,
    passwordHash: row.password_hash,
    securityStamp: row.security_stamp,
    passwordChangedAt: row.password_changed_at,
    disabledAt: row.disabled_at,
    roles: row.roles,
    claims: row.claims,
    locale: row.locale,
    zoneinfo: row.zoneinfo,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
