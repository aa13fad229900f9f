import type { KoaContextWithOIDC } from 'oidc-provider';

/** How long a session lives that belongs to nobody yet: as long as a form may lie open. */
export const anonymousSessionSeconds = 600;

interface EngineCookies {
  set(name: string, value: string, options: object): void;
}

interface EngineSession {
  readonly id: string;
  readonly exp?: number;
  save(lifetimeSeconds: number): Promise<unknown>;
}

/**
 * Keeps the session behind a device form that is drawn again because of a fault. The engine binds the form to the
 * session after it decided whether to store it; a browser that came without one would get a server error instead of
 * the form.
 */
export async function keepDeviceSession(ctx: KoaContextWithOIDC, lifetimeSeconds: number): Promise<void> {
  const session = ctx.oidc.session as unknown as EngineSession | undefined;
  if (session === undefined || session.exp !== undefined) return;
  const secure = ctx.oidc.issuer.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', path: '/', secure, signed: true, overwrite: true } as const;
  // The engine's own jar: it signs with the ring of cookie keys.
  const { cookies } = ctx.oidc as unknown as { cookies: EngineCookies };
  cookies.set(ctx.oidc.provider.cookieName('session'), session.id, cookie);
  await session.save(lifetimeSeconds);
}
