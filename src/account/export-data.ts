import type { AuditLog } from '../audit/audit-log.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import type { User } from '../domain/user.ts';
import type { ListedSession } from '../provider/stores.ts';
import type { TrustedBrowser } from '../second-factor/trusted-browser-store.ts';
import type { SecondFactorStatus } from '../second-factor/status.ts';
import type { InTransaction } from '../transaction.ts';
import type { Activity, ActivityPage } from './activity.ts';

export interface ApplicationListed {
  readonly id: string;
  readonly name: string;
  /** Host of its first redirect address. */
  readonly host: string | undefined;
  readonly scopes: readonly string[];
  readonly allowedAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface ExportDependencies {
  readonly inTransaction: InTransaction<{ readonly audit: AuditLog }>;
  readonly status: (userId: string) => Promise<SecondFactorStatus>;
  readonly listSessions: (userId: string) => Promise<ListedSession[]>;
  readonly listApplications: (userId: string) => Promise<ApplicationListed[]>;
  readonly listTrustedBrowsers: (userId: string) => Promise<readonly TrustedBrowser[]>;
  readonly listActivity: (
    userId: string,
    page: { limit: number; cursor?: string | undefined },
  ) => Promise<ActivityPage>;
  readonly now: () => Date;
}

const pageSize = 200;
/** An account that is guessed at all day has more events than anybody reads. */
const mostEvents = 10_000;

/** All that is known of a person, in one document (GDPR article 20); never a secret, not even sealed or hashed. */
export function createExportData(dependencies: ExportDependencies) {
  const { inTransaction, status, listSessions, listApplications, listTrustedBrowsers, listActivity, now } =
    dependencies;

  return async (user: User, context: RequestContext): Promise<Record<string, unknown>> => {
    const secondFactor = await status(user.id);
    const sessions = await listSessions(user.id);
    const applications = await listApplications(user.id);
    const browsers = await listTrustedBrowsers(user.id);
    const activity: Activity[] = [];
    let cursor: string | undefined;
    do {
      const page = await listActivity(user.id, { limit: pageSize, cursor });
      activity.push(...page.events);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && activity.length < mostEvents);
    await inTransaction(({ audit }) =>
      audit.record({ type: 'user.exported', actor: user.id, target: user.id, result: 'success', context }),
    );
    return {
      exported_at: now().toISOString(),
      account: {
        id: user.id,
        username: user.username,
        email: user.email,
        email_verified: user.emailVerified,
        locale: user.locale,
        zoneinfo: user.zoneinfo,
        roles: user.roles,
        claims: user.claims,
        created_at: user.createdAt.toISOString(),
        updated_at: user.updatedAt.toISOString(),
        password_changed_at: iso(user.passwordChangedAt),
      },
      second_factor: {
        enabled: secondFactor.enabled,
        authenticators: secondFactor.authenticators.map((one) => ({
          label: one.label,
          type: one.type,
          created_at: iso(one.createdAt),
          last_used_at: iso(one.lastUsedAt),
        })),
        recovery_codes_remaining: secondFactor.recoveryCodesRemaining,
      },
      sessions: sessions.map((one) => ({
        user_agent: one.userAgent,
        address: one.address,
        started_at: iso(one.startedAt),
        last_seen_at: iso(one.lastSeenAt),
        applications: one.clientIds,
      })),
      applications: applications.map((one) => ({
        client_id: one.id,
        name: one.name,
        scopes: one.scopes,
        allowed_at: iso(one.allowedAt),
        last_used_at: iso(one.lastUsedAt),
      })),
      trusted_browsers: browsers.map((one) => ({
        user_agent: one.userAgent,
        address: one.address,
        trusted_at: iso(one.trustedAt),
        expires_at: iso(one.expiresAt),
      })),
      activity: activity.map((one) => ({
        type: one.type,
        result: one.result,
        at: iso(one.at),
        address: one.address,
        user_agent: one.userAgent,
        client_id: one.clientId,
      })),
    };
  };
}

function iso(value: Date | null): string | null {
  return value?.toISOString() ?? null;
}
