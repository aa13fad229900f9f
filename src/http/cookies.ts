import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Any Koa context. */
interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Signed, HttpOnly, SameSite=Lax cookies of our own, for the whole host. */
export interface CookieJar {
  /** Name of the cookie by which a browser is known again. */
  readonly browser: string;
  /** The value as it was set, or undefined where it is absent or the signature is not ours. */
  get(ctx: Exchange, name: string): string | undefined;
  /** Without `maxAgeSeconds` it ends with the browser. */
  set(ctx: Exchange, name: string, value: string, maxAgeSeconds?: number): void;
  clear(ctx: Exchange, name: string): void;
}

/**
 * `secure`: whether the issuer is https; names then begin with `__Host-`, which binds them to host, path and TLS. On a
 * loopback http issuer they are plain. `keys` is the ring of COOKIE_KEYS: the first signs, all are accepted, so that a
 * key can be replaced while people are signed in.
 */
export function createCookieJar(secure: boolean, keys: readonly string[]): CookieJar {
  const [signingKey] = keys;
  if (signingKey === undefined) throw new TypeError('COOKIE_KEYS: at least one key is needed');
  const full = (name: string): string => (secure ? `__Host-${name}` : name);
  // The name is signed too, so that a value cannot be moved from one cookie to another.
  const sign = (key: string, name: string, value: string): string =>
    createHmac('sha256', key).update(`cookie:${name}=${value}`).digest('base64url');

  function write({ res }: Exchange, name: string, value: string, maxAgeSeconds?: number): void {
    const parts = [`${full(name)}=${value}`, 'path=/', 'httponly', 'samesite=lax'];
    if (maxAgeSeconds !== undefined) parts.push(`max-age=${Math.trunc(maxAgeSeconds)}`);
    if (secure) parts.push('secure');
    const before = [res.getHeader('set-cookie') ?? []].flat().map(String);
    res.setHeader('set-cookie', [...before.filter((line) => !line.startsWith(`${full(name)}=`)), parts.join('; ')]);
  }

  return {
    browser: 'twofold-browser',
    get({ req }, name) {
      // A neighbour on another sub-domain can set a second cookie of a plain name: the one that we signed is ours.
      for (const pair of (req.headers.cookie ?? '').split(';')) {
        const text = pair.trim();
        if (!text.startsWith(`${full(name)}=`)) continue;
        const [encoded = '', signature = ''] = text.slice(full(name).length + 1).split('~');
        if (keys.some((key) => equal(signature, sign(key, name, encoded)))) return decodeURIComponent(encoded);
      }
      return undefined;
    },
    set(ctx, name, value, maxAgeSeconds) {
      const encoded = encodeURIComponent(value).replaceAll('~', '%7E');
      write(ctx, name, `${encoded}~${sign(signingKey, name, encoded)}`, maxAgeSeconds);
    },
    clear(ctx, name) {
      write(ctx, name, '', 0);
    },
  };
}

function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
