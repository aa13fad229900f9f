/** One detailed request (RFC 9396 section 2). */
export type AuthorizationDetail = Readonly<Record<string, unknown>> & { readonly type: string };

/** Lists of which a part may be asked for; everything else must be as it was granted. */
const parts: ReadonlySet<string> = new Set(['locations', 'actions', 'datatypes', 'privileges']);

/** Whether what is asked is a granted detail or a narrower one of it (RFC 9396 section 6). */
export function isWithin(asked: AuthorizationDetail, granted: readonly AuthorizationDetail[]): boolean {
  return granted.some((one) => {
    const names = new Set([...Object.keys(asked), ...Object.keys(one)]);
    return [...names].every((name) => {
      const [wanted, had] = [asked[name], one[name]];
      if (!parts.has(name) || !Array.isArray(wanted) || !Array.isArray(had)) return isSameJson(wanted, had);
      return wanted.length > 0 && wanted.every((item) => had.includes(item));
    });
  });
}

/** The order of an object's fields does not matter, that of a list does. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [first, second] = [one, other] as [Record<string, unknown>, Record<string, unknown>];
  const names = Object.keys(first);
  return (
    names.length === Object.keys(second).length &&
    names.every((name) => Object.hasOwn(second, name) && isSameJson(first[name], second[name]))
  );
}

/** Every value of a detail but its type, under the path that leads to it, for a person to read. */
export function fieldsOf(detail: AuthorizationDetail): { readonly name: string; readonly value: string }[] {
  return Object.entries(detail)
    .filter(([name]) => name !== 'type')
    .flatMap(([name, value]) => flattened(name, value));
}

/** Whether a page shows every field whole and as it is; what a person cannot read they cannot allow. */
export function canBeShown(detail: AuthorizationDetail): boolean {
  const fields = fieldsOf(detail);
  return (
    fields.length <= 40 &&
    fields.every(
      ({ name, value }) => name.length <= 100 && value.length <= 500 && !/[\p{Cc}\p{Cf}]/u.test(name + value),
    )
  );
}

function flattened(name: string, value: unknown): { name: string; value: string }[] {
  if (typeof value !== 'object' || value === null) return [{ name, value: String(value) }];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return [{ name, value: value.join(', ') }];
  const inner = Object.entries(value).flatMap(([key, item]) => flattened(`${name}.${key}`, item));
  return inner.length > 0 ? inner : [{ name, value: Array.isArray(value) ? '[]' : '{}' }];
}
