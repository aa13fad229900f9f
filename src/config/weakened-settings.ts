import type { Settings } from './settings-table.ts';

/** What the two hash settings together must reach: OWASP's least for Argon2id, 19 MiB with two passes. */
const leastHashCost = 19_456 * 2;

/**
 * The names of settings that make the service weaker than its defaults. They are allowed, for somebody who knows why;
 * the record says so at every start.
 */
export function weakenedSettings(settings: Settings): string[] {
  const weak: readonly (readonly [string, boolean])[] = [
    ['TWOFOLD_SECOND_FACTOR', settings.secondFactorRequired === 'optional'],
    ['TWOFOLD_CODE_WINDOW', settings.windowSteps > 1],
    ['TWOFOLD_HASH_MEMORY_KIB', settings.hashMemoryKibibytes * settings.hashIterations < leastHashCost],
    ['TWOFOLD_SESSION_IDLE_SECONDS', settings.sessionIdleSeconds > 3600],
    ['TWOFOLD_SESSION_LIFETIME_SECONDS', settings.sessionLifetimeSeconds > 86_400],
    ['TWOFOLD_ADMIN_FRESH_SECONDS', settings.adminFreshSeconds > 600],
    ['DATABASE_URL', settings.production && /[?&]sslmode=(?:no-verify|disable)\b/.test(settings.databaseUrl ?? '')],
    ['TWOFOLD_SMTP_STARTTLS', settings.smtpStartTls === 'off'],
    ['TWOFOLD_FIRST_ENROLMENT', settings.production && settings.firstEnrolment === 'none'],
    ['TWOFOLD_REGISTRATION', settings.registration === 'open'],
    ['TWOFOLD_ALLOW_EMBEDDED', settings.production && settings.allowEmbedded],
  ];
  return weak.filter(([, isWeak]) => isWeak).map(([name]) => name);
}
