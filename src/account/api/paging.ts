import type { Context } from 'koa';
import { InvalidInput } from '../../errors.ts';

const mostItems = 200;
const usualItems = 50;

export interface PageAsked {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Reads `limit` (1 to 200) and `cursor`. Throws `InvalidInput` for anything else. */
export function pageAsked(ctx: Context): PageAsked {
  const { limit, cursor } = ctx.query;
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor.length > 500)) {
    throw new InvalidInput('cursor', 'this cursor was not made here');
  }
  const count = limit === undefined ? usualItems : typeof limit === 'string' && /^\d{1,3}$/.test(limit) ? +limit : 0;
  if (count < 1 || count > mostItems) throw new InvalidInput('limit', `a limit is a number from 1 to ${mostItems}`);
  return { limit: count, cursor };
}

/** A page of a list that fits in memory, in an order that does not change: from behind the item the cursor names. */
export function pageOf<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string,
  { limit, cursor }: PageAsked,
): { readonly items: readonly Item[]; readonly next_cursor: string | null } {
  const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString('utf8');
  const sorted = items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const rest = sorted.filter((item) => idOf(item) > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const more = rest.length > page.length && last !== undefined;
  return { items: page, next_cursor: more ? Buffer.from(idOf(last)).toString('base64url') : null };
}
