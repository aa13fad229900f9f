import type { Kysely, Selectable } from 'kysely';
import { foldLogin } from '../../domain/login-name.ts';
import type { PolicyKey } from '../../domain/policy.ts';
import type { ListedAuthenticator, Standing } from '../../policies/stores.ts';
import { toGuardState } from './guard-store.ts';
import { part, statement, type Part } from './statement.ts';
import type { GuardsTable } from './tables/second-factor.ts';
import type { Tables } from './tables.ts';

interface StandingRow extends Partial<Selectable<GuardsTable>> {
  readonly person: string;
  readonly client_acr_values: string[] | null;
  readonly authenticators: readonly ListedAuthenticator[];
  readonly policies: readonly PolicyRow[];
}

interface PolicyRow {
  readonly key: string;
  readonly second_factor: 'required' | 'optional';
  readonly grace_days: number;
  readonly acr_values: readonly string[];
  readonly trusted_browser_days: number | null;
}

interface ClientArguments {
  readonly clientId: string;
  readonly clientKey: string;
}

interface PersonArguments extends ClientArguments {
  readonly userId: string;
}

interface LoginArguments extends ClientArguments {
  readonly name: string;
}

const standingOf = <Given extends ClientArguments>(one: Part<Given>) => part<ClientArguments & Given>`
  select g.*, one.id as person, rp.acr_values as client_acr_values,
    (select coalesce(json_agg(json_build_object('id', a.id, 'label', a.label, 'digits', a.digits)
        order by a.created_at, a.id), '[]')
      from authenticators a
      where a.user_id = one.id and a.confirmed_at is not null and a.voided_at is null) as authenticators,
    (select coalesce(json_agg(p), '[]')
      from policies p
      where p.deleted_at is null and (
        p.key in ('default', ${'clientKey'}, 'user:' || one.id::text)
        or p.key in (select 'role:' || role from users u, unnest(u.roles) role where u.id = one.id))) as policies
  from (${one}) one
  left join guards g on g.user_id = one.id
  left join relying_parties rp on rp.client_id = ${'clientId'}`;
const readStanding = statement<PersonArguments, StandingRow>`
  ${standingOf(part<PersonArguments>`select ${'userId'}::uuid as id`)}`;
const readStandingByLogin = statement<LoginArguments, StandingRow>`
  ${standingOf(part<LoginArguments>`select user_id as id from login_names where name = ${'name'}`)}`;

/** All that a sign-in's next step depends on, in one statement: it is asked for at every page of every sign-in. */
export class PostgresStandingStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async read(userId: string, clientId: string): Promise<Standing> {
    const [row] = await readStanding(this.#db, {
      userId,
      clientId,
      clientKey: `client:${clientId}`,
    });
    if (row === undefined) throw new Error('a statement of one row answered none');
    return toStanding(row);
  }

  async readByLogin(login: string, clientId: string): Promise<Standing | undefined> {
    const given = { name: foldLogin(login), clientId, clientKey: `client:${clientId}` };
    const [row] = await readStandingByLogin(this.#db, given);
    return row && toStanding(row);
  }
}

function toStanding(row: StandingRow): Standing {
  return {
    userId: row.person,
    guard: toGuardState(row),
    authenticators: row.authenticators,
    clientAcrValues: row.client_acr_values ?? undefined,
    rules: row.policies.map((policy) => [
      policy.key as PolicyKey,
      {
        secondFactor: policy.second_factor,
        graceDays: policy.grace_days,
        acrValues: policy.acr_values,
        trustedBrowserDays: policy.trusted_browser_days,
      },
    ]),
  };
}
