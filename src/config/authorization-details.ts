import { z } from 'zod';

/** A kind of detailed request (RFC 9396) that the operator registered. */
export interface AuthorizationDetailsType {
  readonly type: string;
  /** What the person reads it as, by language; `en` is always there. */
  readonly title: Readonly<Record<string, string>>;
  /** The audience whose tokens carry it. */
  readonly resource: string;
  /** What is wrong with a detail; undefined for one that fits its schema. */
  readonly check: (detail: Readonly<Record<string, unknown>>) => string | undefined;
}

const registered = z.record(
  z.string().regex(/^[\w:./-]{1,100}$/),
  z.strictObject({
    title: z.union([z.string().min(1).max(200), z.record(z.string(), z.string().min(1).max(200))]),
    resource: z.url(),
    schema: z.record(z.string(), z.unknown()),
  }),
);

/** The setting's JSON: each type by its name, with `title`, `resource` and `schema` (a JSON Schema of the object). */
export const authorizationDetailsTypes = z
  .string()
  .max(100_000)
  .transform((value, ctx): readonly AuthorizationDetailsType[] => {
    if (value.trim() === '') return [];
    try {
      const entries = Object.entries(registered.parse(JSON.parse(value)));
      return entries.map(([type, { title, resource, schema }]) => {
        const titles = typeof title === 'string' ? { en: title } : title;
        if (titles['en'] === undefined) throw new Error('a title in English');
        return { type, title: titles, resource, check: checkBy(type, schema) };
      });
    } catch {
      const message = 'must be JSON: {"type": {"title": "…" or {"en": "…"}, "resource": "https://…", "schema": {…}}}';
      ctx.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });

/** A field that the schema does not name is refused: nobody would have shown or understood it. */
function checkBy(type: string, schema: Record<string, unknown>): AuthorizationDetailsType['check'] {
  const properties = { ...(schema['properties'] as object | undefined), type: { const: type } };
  const closed = { ...schema, type: 'object', properties, additionalProperties: false };
  const compiled = z.fromJSONSchema(closed as Parameters<typeof z.fromJSONSchema>[0]);
  return (detail) => {
    const { error } = compiled.safeParse(detail);
    const [first] = error?.issues ?? [];
    return first && `${first.path.join('.') || type}: ${first.message}`.slice(0, 200);
  };
}
