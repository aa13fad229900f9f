import { sql, type Kysely } from 'kysely';
import { guarded } from './database.ts';
import type { Tables } from './tables.ts';

/** How long, in seconds, the oldest of what waits has waited: messages by channel, and events for their seal. */
export async function readBacklog(
  db: Kysely<Tables>,
): Promise<{ readonly outbox: Readonly<Record<string, number>>; readonly unsealed: number }> {
  const { rows } = await guarded(() =>
    sql<{ channel: string; seconds: string }>`
      select channel, extract(epoch from clock_timestamp() - min(created_at)) as seconds from outbox
      where delivered_at is null and failed_at is null group by channel
      union all
      select 'unsealed', coalesce(extract(epoch from clock_timestamp() - min(at)), 0) from audit_unsealed`.execute(db),
  );
  const ages = rows.map(({ channel, seconds }) => [channel, Math.max(0, Number(seconds))] as const);
  const none = { mail: 0, logout: 0, webhook: 0, syslog: 0 };
  const { unsealed = 0, ...outbox }: Record<string, number> = { ...none, ...Object.fromEntries(ages) };
  return { outbox, unsealed };
}
