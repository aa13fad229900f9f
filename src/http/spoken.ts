import type { MessageValues } from './i18n.ts';
import type { FormError } from './page-parts.ts';

export type Translate = (key: string, values?: MessageValues) => string;

/** A span as people say it: seconds below a minute and a half, then whole minutes, then hours; never less than it is. */
export function spanInWords(t: Translate, seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  if (seconds < 90) return t('span.seconds', { count: seconds });
  return minutes < 90 ? t('span.minutes', { count: minutes }) : t('span.hours', { count: Math.ceil(minutes / 60) });
}

/** What was wrong with a form, in a sentence: the same on the page and in its JSON. */
export function errorInWords(t: Translate, { code, values = {} }: FormError): string {
  const { minutes, seconds, triesLeft } = values;
  const count = [minutes, triesLeft].find((value) => typeof value === 'number');
  return t(`form-error.${code}`, {
    ...values,
    ...(typeof count === 'number' ? { count } : {}),
    ...(typeof seconds === 'number' ? { span: spanInWords(t, seconds) } : {}),
  });
}
