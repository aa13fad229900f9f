import { sql, type Kysely } from 'kysely';
import type { RequestContext } from '../../domain/audit-event.ts';
import { cleanLine } from '../../domain/audit-text.ts';
import type { AbandonedChallenge, ChallengeHistory } from '../../second-factor/challenge-history.ts';
import { part, statement } from './statement.ts';
import type { Tables } from './tables.ts';

interface FailedArguments {
  readonly userId: string;
  readonly accepted: number;
}

/** How many challenges were left with wrong codes since so many accepted ones before the last. */
export const failedSince = part<FailedArguments>`(
  select count(*)::int from challenges
  where user_id = ${'userId'} and outcome in ('spent', 'void') and tries > 0
    and closed_at > coalesce((
      select a.closed_at from challenges a where a.user_id = ${'userId'} and a.outcome = 'accepted'
      order by a.closed_at desc offset ${'accepted'}::int limit 1), '-infinity'))`;
const countFailed = statement<FailedArguments, { failed: number }>`select ${failedSince} as failed`;

export class PostgresChallengeHistory implements ChallengeHistory {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async noteOrigin(challengeId: string, { address, userAgent }: RequestContext): Promise<void> {
    await this.#db
      .updateTable('challenges')
      .set({ address: cleanLine(address), user_agent: cleanLine(userAgent) })
      .where('id', '=', challengeId)
      .execute();
  }

  async closeAbandoned(most: number): Promise<AbandonedChallenge[]> {
    const { rows } = await sql<AbandonedChallenge>`
      update challenges set closed_at = now(), outcome = 'void'
      where id in (
        select id from challenges
        where expires_at <= now() and closed_at is null and tries > 0
        order by expires_at limit ${most}::int for update skip locked)
      returning id, user_id as "userId", lane, tries, address, user_agent as "userAgent"`.execute(this.#db);
    return rows;
  }

  async countFailedSince(userId: string, accepted: number): Promise<number> {
    const [row] = await countFailed(this.#db, { userId, accepted });
    return row?.failed ?? 0;
  }
}
