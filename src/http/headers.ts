import type { Context, Next } from 'koa';

const year = 31_536_000;

/** Security headers of every answer, errors and redirects included. */
export function securityHeaders(secure: boolean) {
  return async (ctx: Context, next: Next): Promise<void> => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
    ctx.set('X-Frame-Options', 'DENY');
    ctx.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
    ctx.set('Content-Security-Policy', contentSecurityPolicy([]));
    ctx.set('Cache-Control', 'no-store');
    if (secure) ctx.set('Strict-Transport-Security', `max-age=${year}; includeSubDomains`);
    await next();
  };
}

/**
 * Nothing but our own stylesheet, script and pictures, no frames, no base. `formTargets` are origins to which a form's
 * answer redirects: browsers hold a redirect after a form against `form-action`, so a sign-in page names the one
 * relying party it belongs to.
 */
export function contentSecurityPolicy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
  ].join('; ');
}
