import { sql, type Kysely, type Selectable } from 'kysely';
import type { PolicyKey, PolicyRule } from '../../domain/policy.ts';
import { NotFound } from '../../errors.ts';
import type { EnrolmentGraceStore, PolicyStore, StoredPolicy } from '../../policies/policy-store.ts';
import { isForeignKeyViolation } from './faults.ts';
import type { PoliciesTable } from './tables/policies.ts';
import type { Tables } from './tables.ts';

export class PostgresPolicyStore implements PolicyStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(key: PolicyKey): Promise<StoredPolicy | undefined> {
    return (await this.findAll([key]))[0];
  }

  async findAll(keys: readonly PolicyKey[]): Promise<StoredPolicy[]> {
    const rows = await this.#live()
      .where('key', 'in', [...keys])
      .execute();
    return rows.map(toPolicy);
  }

  async list(): Promise<StoredPolicy[]> {
    return (await this.#live().orderBy('key').execute()).map(toPolicy);
  }

  async put(key: PolicyKey, rule: PolicyRule): Promise<StoredPolicy> {
    const row = {
      ...columnsOf(rule),
      source: 'operator' as const,
      deleted_at: null,
    };
    try {
      const stored = await this.#db
        .insertInto('policies')
        .values({ key, user_id: userOf(key), ...row })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({ ...row, updated_at: sql`now()`, version: sql`policies.version + 1` }),
        )
        .returningAll()
        .executeTakeFirstOrThrow();
      return toPolicy(stored);
    } catch (error) {
      if (isForeignKeyViolation(error)) throw new NotFound('no such user');
      throw error;
    }
  }

  async remove(key: PolicyKey): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('policies')
      .set({ deleted_at: sql`now()`, source: 'operator', updated_at: sql`now()`, version: sql`version + 1` })
      .where('key', '=', key)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async seed(key: PolicyKey, rule: PolicyRule): Promise<boolean> {
    const columns = columnsOf(rule);
    const { numInsertedOrUpdatedRows = 0n } = await this.#db
      .insertInto('policies')
      .values({ key, user_id: userOf(key), ...columns, source: 'settings', deleted_at: null })
      .onConflict((conflict) =>
        conflict
          .column('key')
          .doUpdateSet({ ...columns, updated_at: sql`now()`, version: sql`policies.version + 1` })
          .where('policies.source', '=', 'settings')
          .where(
            sql<boolean>`(policies.second_factor, policies.grace_days, policies.acr_values,
              policies.trusted_browser_days) is distinct from (excluded.second_factor, excluded.grace_days,
              excluded.acr_values, excluded.trusted_browser_days)`,
          ),
      )
      .executeTakeFirst();
    return numInsertedOrUpdatedRows > 0n;
  }

  async unseed(keptKeys: readonly PolicyKey[]): Promise<PolicyKey[]> {
    let query = this.#db.deleteFrom('policies').where('source', '=', 'settings');
    if (keptKeys.length > 0) query = query.where('key', 'not in', [...keptKeys]);
    return (await query.returning('key').execute()).map(({ key }) => key as PolicyKey);
  }

  #live() {
    return this.#db.selectFrom('policies').selectAll().where('deleted_at', 'is', null);
  }
}

export class PostgresEnrolmentGraceStore implements EnrolmentGraceStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async begin(userId: string, at: Date): Promise<Date> {
    await this.#db
      .insertInto('enrolment_grace')
      .values({ user_id: userId, started_at: at })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await this.find(userId)) ?? at;
  }

  async find(userId: string): Promise<Date | undefined> {
    const row = await this.#db
      .selectFrom('enrolment_grace')
      .select('started_at')
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row?.started_at;
  }
}

function columnsOf({ secondFactor, graceDays, acrValues, trustedBrowserDays }: PolicyRule) {
  return {
    second_factor: secondFactor,
    grace_days: graceDays,
    acr_values: [...acrValues],
    trusted_browser_days: trustedBrowserDays,
  };
}

function userOf(key: PolicyKey): string | null {
  return key.startsWith('user:') ? key.slice('user:'.length) : null;
}

function toPolicy(row: Selectable<PoliciesTable>): StoredPolicy {
  return {
    key: row.key as PolicyKey,
    rule: {
      secondFactor: row.second_factor,
      graceDays: row.grace_days,
      acrValues: row.acr_values,
      trustedBrowserDays: row.trusted_browser_days,
    },
    source: row.source,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
