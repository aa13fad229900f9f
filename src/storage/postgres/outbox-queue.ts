import { sql, type Kysely, type Selectable } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { SecretBox } from '../../crypto/secret-box.ts';
import { cleanLine } from '../../domain/audit-text.ts';
import type { OutboxItem } from '../../notifications/delivery.ts';
import type { ClaimedItem, OutboxQueue, Settlement } from '../../notifications/outbox-queue.ts';
import { guarded } from './database.ts';
import { outboxContext } from './outbox.ts';
import type { Tables } from './tables.ts';
import type { OutboxTable } from './tables/notifications.ts';

export class PostgresOutboxQueue implements OutboxQueue {
  readonly #db: Kysely<Tables>;
  readonly #secretBox: SecretBox;

  constructor(db: Kysely<Tables>, secretBox: SecretBox) {
    this.#db = db;
    this.#secretBox = secretBox;
  }

  async claim(channels: readonly OutboxItem['channel'][], most: number, seconds: number): Promise<ClaimedItem[]> {
    const claimId = newId();
    const { rows } = await guarded(() =>
      sql<Selectable<OutboxTable>>`
        update outbox set claim_id = ${claimId}, tries = tries + 1,
          next_try_at = now() + make_interval(secs => ${seconds})
        where id in (
          select id from outbox
          where delivered_at is null and failed_at is null and next_try_at <= now() and channel = any (${[...channels]})
          order by next_try_at limit ${most}::int for update skip locked)
        returning *`.execute(this.#db),
    );
    return rows
      .toSorted((one, other) => one.created_at.getTime() - other.created_at.getTime())
      .map((row) => ({ claimId, item: this.#itemOf(row) }));
  }

  async settle(
    { item, claimId }: ClaimedItem,
    settlement: Settlement,
    { error, status }: { error?: string; status?: number },
  ): Promise<void> {
    const seconds = settlement.kind === 'retry' ? settlement.afterSeconds : 0;
    const done = settlement.kind !== 'retry';
    await guarded(() =>
      sql`
        with settled as (
          update outbox set claim_id = null, next_try_at = now() + make_interval(secs => ${seconds}),
            delivered_at = case when ${settlement.kind === 'delivered'} then now() end,
            failed_at = case when ${settlement.kind === 'failed'} then now() end,
            secret_sealed = case when ${done} then null else secret_sealed end
          where id = ${item.id} and claim_id = ${claimId} returning id, tries)
        insert into outbox_attempts (outbox_id, number, status, error)
        select id, tries, ${status ?? null}::int, ${error === undefined ? null : cleanLine(error)}::text from settled
        on conflict do nothing`.execute(this.#db),
    );
  }

  #itemOf(row: Selectable<OutboxTable>): OutboxItem {
    const { secret_sealed: sealed } = row;
    return {
      id: row.id,
      channel: row.channel,
      kind: row.kind,
      userId: row.user_id,
      webhookId: row.webhook_id,
      payload: row.payload,
      secret: sealed === null ? undefined : this.#secretBox.open(sealed, outboxContext(row.id)).toString('utf8'),
      tries: row.tries - 1,
      createdAt: row.created_at,
    };
  }
}
