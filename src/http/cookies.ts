import type { IncomingMessage, ServerResponse } from 'node:http';

/** Any Koa context. */
interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Signs short texts, and knows its own signatures again. */
export interface Signatures {
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
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
 * loopback http issuer they are plain.
 */
export function createCookieJar(secure: boolean, signatures: Signatures): CookieJar {
  const full = (name: string): string => (secure ? `__Host-${name}` : name);
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
        if (signatures.verify(`${name}=${encoded}`, signature)) return decodeURIComponent(encoded);
      }
      return undefined;
    },
    set(ctx, name, value, maxAgeSeconds) {
      const encoded = encodeURIComponent(value).replaceAll('~', '%7E');
      // The name is signed too, so that a value cannot be moved from one cookie to another.
      write(ctx, name, `${encoded}~${signatures.sign(`${name}=${encoded}`)}`, maxAgeSeconds);
    },
    clear(ctx, name) {
      write(ctx, name, '', 0);
    },
  };
}
