import { z } from 'zod';
import { InvalidInput } from '../../errors.ts';

export const timestamp = z.iso.datetime().describe('RFC 3339, UTC.');
export const nullableTimestamp = timestamp.nullable();

/** Text without control characters; what people write into the record. */
export const reason = z
  .string()
  .trim()
  .min(3)
  .max(500)
  .describe('Why; it stands in the record.')
  .meta({ example: 'Lost phone, identity checked by video call' });

/** The input of an act whose reason may be given for the record. */
export const whyInput = z.strictObject({ reason: reason.optional() });

/** A parameter comes as text; the document tells what it means. */
function shownAs(schema: Readonly<Record<string, unknown>>) {
  return ({ jsonSchema }: { readonly jsonSchema: object }): void => {
    for (const name of Object.keys(jsonSchema)) if (name !== 'description') Reflect.deleteProperty(jsonSchema, name);
    Object.assign(jsonSchema, schema);
  };
}

const limit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a whole number from 1 to 200')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 200, 'must be a whole number from 1 to 200')
  .default(50)
  .meta({ override: shownAs({ type: 'integer', minimum: 1, maximum: 200, default: 50 }) })
  .describe('How many items a page has.');

const cursor = z.string().min(1).max(1000).optional().describe('`next_cursor` of the page before.');

const total = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')
  .meta({ override: shownAs({ type: 'boolean', default: false }) })
  .describe('Whether to count all items; it costs time.');

export const pageQuery = { limit, cursor, total };

/** A text that narrows a list; no pattern, so nothing in it has a meaning. */
export const searchText = z.string().max(254).optional();

/** The answer of a list. */
export function pageOf(item: z.ZodType, id: string) {
  return z
    .object({
      items: z.array(item),
      next_cursor: z.string().nullable().describe('Null on the last page.'),
      total: z.int().optional().describe('All items the filters find, where `total=true` asked for it.'),
    })
    .meta({ id });
}

/** Makes an opaque cursor of the last item's key. */
export function writeCursor(key: string): string {
  return Buffer.from(`k${key}`).toString('base64url');
}

/** Throws `InvalidInput` (`cursor`) for one that was not made here. */
export function readCursor(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const plain = Buffer.from(text, 'base64url');
  const key = plain.toString('utf8');
  const genuine = key.startsWith('k') && !/\p{Cc}/u.test(key) && plain.toString('base64url') === text;
  if (!genuine) throw new InvalidInput('cursor', 'this cursor was not made here');
  return key.slice(1);
}

/** A page of what was read with one item more than asked. */
export function pageFrom<Item>(
  read: readonly Item[],
  most: number,
  keyOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly nextCursor: string | null } {
  const items = read.slice(0, most);
  const last = items.at(-1);
  return { items, nextCursor: read.length > most && last !== undefined ? writeCursor(keyOf(last)) : null };
}

export const problem = z
  .object({
    type: z.string().meta({ example: 'about:blank' }),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable, for programs.').meta({ example: 'invalid_input' }),
    detail: z.string().optional().describe('For people; it may change.'),
    field: z.string().optional().describe('The offending field, its parts joined by dots.'),
    request_id: z.string().describe('Under which the record and the log know this call.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });
