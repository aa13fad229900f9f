import type { AttemptStore } from '../attempt-store.ts';
import type { AuditReader } from '../audit/audit-log.ts';
import type { createVerifyAudit } from '../audit/verify.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { AuditEvent, RequestContext } from '../domain/audit-event.ts';
import type { GuardState, ThrottleLimits } from '../domain/throttle.ts';
import type { User } from '../domain/user.ts';
import type { ManageWebhooks } from '../notifications/manage-webhooks.ts';
import type { createManagePolicies } from '../policies/manage-policies.ts';
import type { createSimulatePolicy } from '../policies/simulate-policy.ts';
import type { ApiCall, TokenCheck } from '../provider/check-access-token.ts';
import type { ManageSigningKeys } from '../provider/manage-signing-keys.ts';
import type { ListedGrant, ListedSession } from '../provider/stores.ts';
import type { createAdministerRelyingParties } from '../relying-parties/administer-relying-parties.ts';
import type { createResetSecondFactor } from '../second-factor/reset-second-factor.ts';
import type { createHelpRequests } from '../users/help-requests.ts';
import type { createImportUsers } from '../users/import-users.ts';
import type { createManageUsers } from '../users/manage-users.ts';
import type { UserDirectory } from '../users/user-directory.ts';
import type { IdempotentAnswers } from './idempotent-answers.ts';

/** What the admin API and the console are given. */
export interface AdminServices {
  readonly issuer: string;
  readonly now: () => Date;
  readonly epochSeconds: () => number;
  /** How old the sign-in of a person may be for a change, in seconds. */
  readonly freshSeconds: number;
  readonly callsPerMinute: number;
  readonly checkToken: (call: ApiCall) => Promise<TokenCheck>;
  readonly findUser: (id: string) => Promise<User | undefined>;
  /** The registered `scope` of a client, as it stands now; undefined where there is no such client. */
  readonly registeredScope: (clientId: string) => Promise<string | undefined>;
  readonly attempts: AttemptStore;
  readonly secretBox: SecretBox;
  readonly idempotentAnswers: IdempotentAnswers;
  readonly record: (event: AuditEvent) => Promise<void>;
  readonly directory: UserDirectory;
  /** Whether each of these people must have a second factor, by their id. */
  readonly requiredOf: (users: readonly User[]) => Promise<ReadonlyMap<string, boolean>>;
  readonly manageUsers: ReturnType<typeof createManageUsers>;
  readonly resetSecondFactor: ReturnType<typeof createResetSecondFactor>;
  readonly importUsers: ReturnType<typeof createImportUsers>;
  readonly fernetKeys: () => readonly string[];
  readonly countOperators: () => Promise<number>;
  readonly relyingParties: ReturnType<typeof createAdministerRelyingParties>;
  /** What people know a relying party by; its id where it has no name. */
  readonly clientName: (clientId: string) => Promise<string>;
  readonly manageSigningKeys: ManageSigningKeys;
  readonly sessions: SessionAdministration;
  readonly auditReader: AuditReader;
  readonly verifyAudit: ReturnType<typeof createVerifyAudit>;
  readonly manageWebhooks: ManageWebhooks;
  readonly managePolicies: ReturnType<typeof createManagePolicies>;
  readonly simulatePolicy: ReturnType<typeof createSimulatePolicy>;
  /** What guessing did to a person's second factor, and the limits it is measured by. */
  readonly readGuard: (userId: string) => Promise<GuardState>;
  readonly limits: ThrottleLimits;
  readonly helpRequests: ReturnType<typeof createHelpRequests>;
}

/** Sessions and grants of people, as operators end them. Each end is recorded. */
export interface SessionAdministration {
  readonly list: (userId: string) => Promise<ListedSession[]>;
  /** Answers whether this person had such a live session. */
  readonly end: (
    userId: string,
    sessionId: string,
    actor: string,
    context: RequestContext,
    reason?: string,
  ) => Promise<boolean>;
  /** Ends sessions, refresh tokens and half-way sign-ins of one person. */
  readonly endAllOf: (userId: string, actor: string, context: RequestContext, reason?: string) => Promise<void>;
  /** Ends every half-way sign-in, session and grant there is, in small steps; answers how many sessions there were. */
  readonly endEverybodys: (actor: string, context: RequestContext) => Promise<number>;
  readonly listGrants: (userId: string, limit: number, after: string | undefined) => Promise<ListedGrant[]>;
  readonly endGrant: (
    userId: string,
    grantId: string,
    actor: string,
    context: RequestContext,
    reason?: string,
  ) => Promise<boolean>;
  readonly endGrants: (userId: string, actor: string, context: RequestContext) => Promise<void>;
}
