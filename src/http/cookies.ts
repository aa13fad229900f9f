import type { Context } from 'koa';

export interface CookieJar {
  readonly browser: string;
  get(ctx: Context, name: string): string | undefined;
  /** HttpOnly, SameSite=Lax, the whole host; Secure on https. Without `maxAgeSeconds` it ends with the browser. */
  set(ctx: Context, name: string, value: string, maxAgeSeconds?: number): void;
  clear(ctx: Context, name: string): void;
}

/** Our own cookies: `__Host-` names on https, plain ones on a loopback http issuer. Values are random or hashed. */
export function createCookieJar(secure: boolean): CookieJar {
  const full = (name: string): string => (secure ? `__Host-${name}` : name);
  return {
    browser: 'twofold-browser',
    get: (ctx, name) => ctx.cookies.get(full(name)),
    set(ctx, name, value, maxAgeSeconds) {
      ctx.cookies.set(full(name), value, {
        httpOnly: true,
        sameSite: 'lax',
        secure,
        path: '/',
        overwrite: true,
        signed: false,
        ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds * 1000 }),
      });
    },
    clear(ctx, name) {
      ctx.cookies.set(full(name), null, { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false });
    },
  };
}
