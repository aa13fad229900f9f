import type { IncomingMessage } from 'node:http';
import type { Signatures } from './cookies.ts';
import { Forbidden } from '../errors.ts';
import type { Fields } from './forms.ts';

export interface Csrf {
  /**
   * The token of a form (its field `csrf`). `binding` is what the form belongs to: a pending sign-in's id, which changes
   * with every proof, or a session's. A form drawn before a proof is then refused after it.
   */
  token(binding: string): string;
  /** Throws `Forbidden` (`cross_site`, `stale_form`) unless our own page sent it, bound to the same. */
  check(ctx: { readonly req: IncomingMessage }, fields: Fields, binding: string): void;
  /** The browser's own word on where the request comes from, alone. Throws `Forbidden` (`cross_site`). */
  checkOrigin(ctx: { readonly req: IncomingMessage }): void;
}

/**
 * Two independent defences: a token that only our page of this very session knows, and where the browser says the
 * request comes from.
 */
export function createCsrf(signatures: Signatures, issuerOrigin: string): Csrf {
  function checkOrigin({ req }: { readonly req: IncomingMessage }): void {
    const { origin, 'sec-fetch-site': site } = req.headers;
    // Sandboxed frames and data: pages send `Origin: null`. Ours send our own, for which they state a referrer policy
    // of same-origin: under the header's no-referrer browsers would send null from our own forms, too.
    const foreignOrigin = origin !== undefined && origin !== issuerOrigin;
    const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (foreignOrigin || foreignSite) throw new Forbidden('cross_site', 'this form was not sent by a page of ours');
  }

  return {
    checkOrigin,
    token: (binding) => signatures.sign(binding),
    check(ctx, fields, binding) {
      checkOrigin(ctx);
      const right = signatures.verify(binding, fields.get('csrf') ?? '');
      if (!right) throw new Forbidden('stale_form', 'this form belongs to another sign-in, session or proof');
    },
  };
}
