import type { Kysely } from 'kysely';
import { daySeconds, dayUnitsFor, pacingSeconds, type Lane } from '../../domain/throttle.ts';
import type { Charged, ChargeRequest, ComparedAuthenticator } from '../../second-factor/guard-store.ts';
import { part, statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

interface ChargeArguments {
  readonly challengeId: string;
  readonly userId: string;
  readonly boundTo: string;
  readonly comparesCodes: boolean;
  readonly authenticatorId: string | null;
  readonly triesPerChallenge: number;
  readonly cap: number;
  readonly inARowLimit: number;
  readonly otherLaneShare: number;
  readonly knownDayUnits: number;
  readonly otherDayUnits: number;
}

interface ChargeRow {
  readonly lane: Lane;
  readonly tries: number;
  readonly units: number;
  readonly in_a_row: number;
  readonly total: number;
  readonly authenticators: readonly ComparedAuthenticator[];
}

function guardUpdate(lane: Lane) {
  const column = (name: string) => verbatim(`g.${lane}_${name}`);
  const target = (name: string) => verbatim(`${lane}_${name}`);
  const sameDay = part<ChargeArguments>`${column('day_started_at')} is not null
      and ${column('day_started_at')} > now() - make_interval(secs => ${daySeconds})`;
  // Recovery codes, which cost no units, share the waits but never close the lane.
  const nextInARow = part<ChargeArguments>`case when c.units > 0 or ${column('in_a_row')} < ${'inARowLimit'} - 1
      then ${column('in_a_row')} + 1 else ${column('in_a_row')} end`;
  const share = part<ChargeArguments>`${column('units')} + c.units <= ${'otherLaneShare'}`;
  return part<ChargeArguments>`
    update guards g set
      total = g.total + c.units,
      ${target('units')} = ${column('units')} + c.units,
      ${target('in_a_row')} = ${nextInARow},
      ${target('next_try_at')} = case
        when ${nextInARow} >= 20 then now() + make_interval(secs => ${pacingSeconds(20)})
        when ${nextInARow} = 15 then now() + make_interval(secs => ${pacingSeconds(15)})
        when ${nextInARow} = 10 then now() + make_interval(secs => ${pacingSeconds(10)})
        when ${nextInARow} = 5 then now() + make_interval(secs => ${pacingSeconds(5)})
        else null end,
      ${target('day_started_at')} = case when ${sameDay} then ${column('day_started_at')}
        else date_trunc('milliseconds', now()) end,
      ${target('day_units')} = case when ${sameDay} then ${column('day_units')} else 0 end + c.units
    from c
    where g.user_id = ${'userId'} and c.lane = '${verbatim(lane)}'
      and (c.units = 0 or (
        g.total + c.units <= ${'cap'}
        and ${column('in_a_row')} < ${'inARowLimit'}
        and ${lane === 'known' ? verbatim('true') : share}
        and case when ${sameDay} then ${column('day_units')} else 0 end + c.units
          <= ${lane === 'known' ? 'knownDayUnits' : 'otherDayUnits'}))
      and (${column('next_try_at')} is null or ${column('next_try_at')} <= now())
    returning ${column('in_a_row')} as in_a_row, g.total, ${column('day_started_at')} as day_started_at`;
}

/**
 * One statement, and so all or nothing. Both rows are changed by their own conditions on their latest versions: a lock or
 * an UPDATE waits for a concurrent one and then checks again, which a sub-select under READ COMMITTED would not. The
 * challenge is locked first, and counts the try only where the guard took it. What the code will be compared with is read
 * once: the same rows are counted, charged for and answered. Somebody without an authenticator is charged all the same:
 * the answer must not tell them apart for free.
 */
const charge = statement<ChargeArguments, ChargeRow>`
  with chosen as materialized (
    select id, user_id, secret_sealed, algorithm, digits, period_seconds, drift_steps, last_step, spent_steps, created_at
    from authenticators
    where ${'comparesCodes'}::boolean and user_id = ${'userId'} and confirmed_at is not null and voided_at is null
      and (${'authenticatorId'}::text is null or id::text = ${'authenticatorId'})
  ), cost as materialized (
    select case when ${'comparesCodes'} then greatest(1, count(*))::int else 0 end as units from chosen
  ), c as materialized (
    select one.id, one.lane, cost.units from challenges one, cost
    where one.id = ${'challengeId'} and one.user_id = ${'userId'} and one.bound_to = ${'boundTo'}
      and one.closed_at is null and one.expires_at > now() and one.tries < ${'triesPerChallenge'}
    for update of one
  ), known as (${guardUpdate('known')}), other as (${guardUpdate('other')}),
  g as (select * from known union all select * from other)
  update challenges set tries = tries + 1, units = challenges.units + c.units,
    day_started_at = coalesce(challenges.day_started_at, case when c.units > 0 then g.day_started_at end)
  from c, g where challenges.id = c.id
  returning c.lane, challenges.tries, c.units, g.in_a_row, g.total,
    (select coalesce(json_agg(json_build_object('id', id, 'userId', user_id, 'secretSealed', secret_sealed,
        'algorithm', algorithm, 'digits', digits, 'periodSeconds', period_seconds, 'driftSteps', drift_steps,
        'lastStep', last_step, 'spentSteps', spent_steps) order by created_at, id), '[]')
      from chosen) as authenticators`;

/** Takes the charge and answers what it left, or answers undefined and takes nothing. */
export async function chargeIn(db: Kysely<Tables>, request: ChargeRequest): Promise<Charged | undefined> {
  const { challengeId, userId, boundTo, limits, braked } = request;
  const [row] = await charge(db, {
    challengeId,
    userId,
    boundTo,
    comparesCodes: request.factor === 'one-time-code',
    authenticatorId: request.authenticatorId ?? null,
    triesPerChallenge: limits.triesPerChallenge,
    cap: limits.cap,
    inARowLimit: limits.inARowLimit,
    otherLaneShare: limits.otherLaneShare,
    knownDayUnits: dayUnitsFor('known', limits, braked),
    otherDayUnits: dayUnitsFor('other', limits, braked),
  });
  if (row === undefined) return undefined;
  const { lane, tries, units, in_a_row: inARow, total, authenticators } = row;
  return { lane, tries, units, inARow, total, authenticators };
}
