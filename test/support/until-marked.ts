import { hashToken } from '../../src/crypto/random.ts';
import type { TestService } from './service.ts';
import { until } from './until.ts';

/** Waits until a code or rotated refresh token bears the moment of its answer, which is written a little after it. */
export async function untilMarked({ composed }: TestService, token: string): Promise<void> {
  const { kysely } = composed.services.database;
  await until('the answer is marked', async () => {
    const query = kysely.selectFrom('tokens').select('answered_at').where('id_hash', '=', hashToken(token));
    return (await query.executeTakeFirst())?.answered_at != null;
  });
}
