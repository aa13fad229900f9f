import type { Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { SecretBox, SecretContext } from '../../crypto/secret-box.ts';
import { cleanDetails, cleanLine } from '../../domain/audit-text.ts';
import type { RequestContext } from '../../domain/audit-event.ts';
import { linkRequestKind, noticeRules, undoHours, type NoticeRule } from '../../domain/notice.ts';
import type { LinkRequest, Notice, NoticeKind, Outbox } from '../../notifications/outbox.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';

interface EnqueueArguments {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly userId: string;
  readonly payload: string;
  readonly sealed: string | null;
  readonly mostPerHour: number;
  /** Whether it names an address of its own. */
  readonly elsewhere: boolean;
  /** Whether addresses the person had until lately are told as well. */
  readonly alsoBefore: boolean;
}

/** Who has no address cannot be told. The budget's row is the lock under which parallel requests are counted. */
const enqueue = statement<EnqueueArguments, never>`
  with budget as (
    insert into notice_budgets as b (user_id, kind)
    select ${'userId'}::uuid, ${'kind'}
    where ${'elsewhere'}::boolean or exists (select from users where id = ${'userId'} and email is not null)
      or exists (select from previous_addresses where user_id = ${'userId'})
    on conflict (user_id, kind) do update set
      window_started_at = case when b.window_started_at > now() - interval '1 hour'
        then b.window_started_at else now() end,
      sent = case when b.window_started_at > now() - interval '1 hour' then b.sent + 1 else 1 end
    where b.window_started_at <= now() - interval '1 hour' or b.sent < ${'mostPerHour'}
    returning 1)
  insert into outbox (id, channel, kind, user_id, payload, secret_sealed)
  select ${'id'}::uuid, 'mail', ${'kind'}, ${'userId'}::uuid, ${'payload'}::jsonb, ${'sealed'} from budget
  union all
  select gen_random_uuid(), 'mail', ${'kind'}, ${'userId'}::uuid,
    ${'payload'}::jsonb || jsonb_build_object('address', p.address), null
  from budget, (select distinct address from previous_addresses
    where user_id = ${'userId'} and verified and replaced_at > now() - make_interval(hours => ${undoHours})) p
  where ${'alsoBefore'}::boolean`;

export class PostgresOutbox implements Outbox {
  readonly #db: Kysely<Tables>;
  readonly #secretBox: SecretBox;

  constructor(db: Kysely<Tables>, secretBox: SecretBox) {
    this.#db = db;
    this.#secretBox = secretBox;
  }

  async enqueue(notice: Notice): Promise<void> {
    const rule: NoticeRule = noticeRules[notice.kind];
    const id = newId();
    const sealed =
      notice.token === undefined ? null : this.#secretBox.seal(Buffer.from(notice.token), outboxContext(id));
    const payload = JSON.stringify({
      details: cleanDetails(notice.details),
      ...(notice.context && { from: fromOf(notice.context) }),
      ...(notice.context?.locale !== undefined && { locale: notice.context.locale }),
      ...(notice.address !== undefined && { address: notice.address }),
    });
    const { kind, userId } = notice;
    const given = { id, kind, userId, payload, sealed, mostPerHour: rule.mostPerHour };
    const elsewhere = notice.address !== undefined;
    await enqueue(this.#db, { ...given, elsewhere, alsoBefore: rule.notMe && !elsewhere });
  }

  async enqueueToStranger(mail: {
    kind: NoticeKind;
    address: string;
    locale: string | null;
    token: string;
    context: RequestContext;
  }): Promise<void> {
    const id = newId();
    const details = { ...(mail.locale !== null && { locale: mail.locale }) };
    await this.#db
      .insertInto('outbox')
      .values({
        id,
        channel: 'mail',
        kind: mail.kind,
        payload: JSON.stringify({ details, address: mail.address, from: fromOf(mail.context) }),
        secret_sealed: this.#secretBox.seal(Buffer.from(mail.token), outboxContext(id)),
      })
      .execute();
  }

  async enqueueLinkRequest({ purpose, login, locale, context }: LinkRequest): Promise<void> {
    const payload = JSON.stringify({ purpose, login: cleanLine(login), locale, from: fromOf(context) });
    await this.#db.insertInto('outbox').values({ channel: 'mail', kind: linkRequestKind, payload }).execute();
  }

  async enqueuePing({ userId, clientId, secret }: { userId: string; clientId: string; secret: string }): Promise<void> {
    const id = newId();
    await this.#db
      .insertInto('outbox')
      .values({
        id,
        channel: 'ping',
        kind: 'backchannel-answered',
        user_id: userId,
        payload: JSON.stringify({ clientId }),
        secret_sealed: this.#secretBox.seal(Buffer.from(secret), outboxContext(id)),
      })
      .execute();
  }

  async blank(id: string): Promise<void> {
    await this.#db.updateTable('outbox').set({ payload: '{}' }).where('id', '=', id).execute();
  }
}

function fromOf({ address, userAgent }: RequestContext): { address: string; userAgent: string } {
  return { address: cleanLine(address), userAgent: cleanLine(userAgent) };
}

export function outboxContext(id: string): SecretContext {
  return { table: 'outbox', column: 'secret_sealed', owner: '', row: id };
}
