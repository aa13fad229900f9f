import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import { equalInConstantTime } from '../crypto/random.ts';
import { Fault } from '../errors.ts';
import type { Fields } from './forms.ts';

export interface Csrf {
  /** The token of a form, bound to what it belongs to: an interaction and its last proof, or a session. */
  token(binding: string): string;
  /** Throws 403 unless the request comes from our own pages and carries the form's token. */
  check(ctx: Context, fields: Fields, binding: string): void;
}

/**
 * Two independent defences: a token that only our page of this very session knows, and the browser's own word on where
 * the request comes from. Tokens change with every proof, so one from before a sign-in is refused after it.
 */
export function createCsrf(keys: readonly string[], issuerOrigin: string): Csrf {
  const make = (key: string, binding: string): string =>
    createHmac('sha256', key).update(`csrf:${binding}`).digest('base64url');
  return {
    token: (binding) => make(keys[0] ?? '', binding),
    check(ctx, fields, binding) {
      const origin = ctx.get('Origin');
      const site = ctx.get('Sec-Fetch-Site');
      if ((origin !== '' && origin !== issuerOrigin) || (site !== '' && site !== 'same-origin' && site !== 'none')) {
        throw new Fault('cross_site', 403, 'this form was not sent from our own page');
      }
      const given = fields.get('csrf') ?? '';
      if (!keys.some((key) => equalInConstantTime(given, make(key, binding)))) {
        throw new Fault('stale_form', 403, 'this page is out of date, please load it again');
      }
    },
  };
}
