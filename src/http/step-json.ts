import type { MessageValues } from './i18n.ts';
import type { FormError } from './page-parts.ts';
import { errorInWords } from './spoken.ts';
import type { PageName } from './pages.ts';

interface Field {
  readonly name: string;
  readonly type: 'text' | 'password' | 'email' | 'one-time-code' | 'checkbox' | 'choice';
  readonly autocomplete?: string;
  readonly choices?: readonly string[];
  readonly optional?: true;
}

const login: Field = { name: 'login', type: 'text', autocomplete: 'username' };
const code: Field = { name: 'code', type: 'one-time-code', autocomplete: 'one-time-code' };
const recoveryCode: Field = { name: 'code', type: 'text', autocomplete: 'off' };
const newPassword: Field = { name: 'new_password', type: 'password', autocomplete: 'new-password' };

/** The fields of each step, for applications that draw their own screens. */
const fieldsOf: Readonly<Partial<Record<PageName, readonly Field[]>>> = {
  password: [login, { name: 'password', type: 'password', autocomplete: 'current-password' }],
  'one-time-code': [code],
  'recovery-code': [recoveryCode, { name: 'replace_authenticator', type: 'checkbox', optional: true }],
  enrol: [code, { name: 'label', type: 'text', optional: true }],
  'recovery-codes': [{ name: 'saved', type: 'checkbox' }],
  consent: [{ name: 'decision', type: 'choice', choices: ['allow', 'deny'] }],
  'change-password': [newPassword],
  'forgot-password': [login],
  'ask-for-help': [login, { name: 'message', type: 'text', optional: true }],
  'mail-link-sent': [],
  'already-done': [],
  error: [],
  wait: [],
};

/** Locals that only a drawn page needs. */
const notForPrograms = new Set(['action', 'csrf', 'error', 'retryAfterSeconds', 'fields', 'formTargets', 'code']);

/**
 * A step of the sign-in as JSON (`page`, `action`, `fields`, `csrf`, `error`, `retry_after`, and the page's own facts in
 * snake_case); undefined for pages that are no steps.
 */
export function stepJson(
  page: PageName,
  locals: object,
  t: (key: string, values?: MessageValues) => string,
): Record<string, unknown> | undefined {
  const fields = fieldsOf[page];
  if (fields === undefined) return undefined;
  const own = locals as Readonly<Record<string, unknown>>;
  const { action, csrf, retryAfterSeconds } = own as { action?: string; csrf?: string; retryAfterSeconds?: number };
  const asked = page === 'one-time-code' ? oneTimeCodeFields(own, fields) : fields;
  return {
    page,
    action,
    fields: asked,
    csrf,
    ...errorOf(page, own, t),
    retry_after: retryAfterSeconds ?? 0,
    ...snakeCased(own, notForPrograms),
  };
}

function oneTimeCodeFields(locals: Readonly<Record<string, unknown>>, fields: readonly Field[]): readonly Field[] {
  const ids = (locals['authenticators'] as readonly { readonly id: string }[] | undefined)?.map(({ id }) => id) ?? [];
  return [
    ...fields,
    ...(ids.length > 1 ? [{ name: 'authenticator', type: 'choice', choices: ids, optional: true } as const] : []),
    ...(locals['trustBrowserDays'] === undefined
      ? []
      : [{ name: 'trust_browser', type: 'checkbox', optional: true } as const]),
  ];
}

function errorOf(
  page: PageName,
  locals: Readonly<Record<string, unknown>>,
  t: (key: string, values?: MessageValues) => string,
) {
  if (page === 'error') {
    const code = locals['code'] as string;
    return { error: { code, message: t(`error-page.${code}.text`, { count: 0 }) } };
  }
  const error = locals['error'] as FormError | undefined;
  if (error === undefined) return {};
  const { code, field } = error;
  return { error: { code, message: errorInWords(t, error), ...(field === undefined ? {} : { field }) } };
}

function snakeCased(value: object, without: ReadonlySet<string> = new Set()): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, item]) => item !== undefined && !without.has(name))
      .map(([name, item]) => [
        name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        plainValue(item as unknown),
      ]),
  );
}

function plainValue(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plainValue);
  return typeof value === 'object' && value !== null ? snakeCased(value, new Set(['formTargets'])) : value;
}
