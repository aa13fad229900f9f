import type { Kysely } from 'kysely';
import type { Lane } from '../../domain/throttle.ts';
import { part, statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

interface SettleArguments {
  readonly userId: string;
  readonly challengeId: string;
}

function laneReturned(lane: Lane) {
  const guard = (name: string) => verbatim(`g.${lane}_${name}`);
  const target = (name: string) => verbatim(`${lane}_${name}`);
  const itsLane = verbatim(`c.lane = '${lane}'`);
  return part<object>`
    ${target('units')} = greatest(0, ${guard('units')} - case when ${itsLane} then c.units else 0 end),
    ${target('in_a_row')} = case when ${itsLane} then 0 else ${guard('in_a_row')} end,
    ${target('next_try_at')} = case when ${itsLane} then null else ${guard('next_try_at')} end,
    ${target('day_units')} = greatest(0, ${guard('day_units')}
      - case when ${itsLane} and c.day_started_at = ${guard('day_started_at')} then c.units else 0 end)`;
}

/** What an acceptance gives back to the guard `g` of the challenge `c`. The day's units go back only to their own day. */
const unitsReturned = part<object>`
  total = greatest(0, g.total - c.units), ${laneReturned('known')}, ${laneReturned('other')}`;

const settling = part<SettleArguments>`
  with c as (
    update challenges set closed_at = now(), outcome = 'accepted'
    where id = ${'challengeId'} and user_id = ${'userId'} and (outcome is null or outcome = 'spent')
    returning lane, units, day_started_at
  ), g as (
    update guards g set ${unitsReturned} from c where g.user_id = ${'userId'} returning g.total
  )`;
const settle = statement<SettleArguments, { total: number }>`${settling} select total from g`;
const settleOrFail = statement<SettleArguments, { total: number }>`
  ${settling} select (select total from g) as total, 1 / (select count(*)::int from g) as changed`;

/** Closes the challenge as accepted and returns its units; answers the total that stays, or undefined and changes nothing. */
export async function settleIn(db: Kysely<Tables>, given: SettleArguments): Promise<number | undefined> {
  return (await settle(db, given))[0]?.total;
}

/** The same, failing where it changes nothing: the last of the tries may be the right one, and an accepted one never. */
export async function settleOrFailIn(db: Kysely<Tables>, given: SettleArguments): Promise<number> {
  return (await settleOrFail(db, given))[0]?.total ?? 0;
}
