import type { Kysely } from 'kysely';
import { hashToken, newId, newToken } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { PersonBox, PersonKeys } from '../storage/postgres/audit-person-keys.ts';
import { PostgresSealStore } from '../storage/postgres/audit-chain.ts';
import { PostgresAuditLog } from '../storage/postgres/audit-log.ts';
import { PostgresAuditMonthStore } from '../storage/postgres/audit-months.ts';
import { PostgresAuthenticatorStore } from '../storage/postgres/authenticator-store.ts';
import { PostgresBackchannelRequestStore } from '../storage/postgres/backchannel-request-store.ts';
import { PostgresChallengeHistory } from '../storage/postgres/challenge-history.ts';
import { PostgresEncryptionKeyStore } from '../storage/postgres/encryption-key-store.ts';
import { PostgresGuardStore } from '../storage/postgres/guard-store.ts';
import { holdProof } from '../storage/postgres/hold-proof.ts';
import { PostgresHelpRequestStore } from '../storage/postgres/help-request-store.ts';
import { PostgresIdempotentAnswers } from '../storage/postgres/idempotent-answers.ts';
import { PostgresImportStore } from '../storage/postgres/import-store.ts';
import { PostgresKnownBrowserStore } from '../storage/postgres/known-browser-store.ts';
import { PostgresLinkStore } from '../storage/postgres/link-store.ts';
import { PostgresNotMeLinkStore } from '../storage/postgres/not-me-link-store.ts';
import { PostgresOutbox } from '../storage/postgres/outbox.ts';
import { PostgresEnrolmentGraceStore, PostgresPolicyStore } from '../storage/postgres/policy-store.ts';
import { PostgresRecoveryCodeStore } from '../storage/postgres/recovery-code-store.ts';
import { PostgresRegistrationTokenStore } from '../storage/postgres/registration-token-store.ts';
import { PostgresRelyingPartyStore } from '../storage/postgres/relying-party-store.ts';
import { PostgresRestoredState } from '../storage/postgres/restored-state.ts';
import { PostgresSessionStore } from '../storage/postgres/session-store.ts';
import { PostgresStandingStore } from '../storage/postgres/standing-store.ts';
import { PostgresSignInPersonStore } from '../storage/postgres/sign-in-person-store.ts';
import { PostgresSigningKeyStore } from '../storage/postgres/signing-key-store.ts';
import type { Tables } from '../storage/postgres/tables.ts';
import { PostgresTokenStore } from '../storage/postgres/token-store.ts';
import { PostgresTrustedBrowserStore } from '../storage/postgres/trusted-browser-store.ts';
import { PostgresUserStore } from '../storage/postgres/user-store.ts';
import { PostgresEventSinks, PostgresWebhookStore } from '../storage/postgres/webhook-store.ts';
import { acrTwoFactors } from '../domain/authentication.ts';
import { neverSentTypes } from '../notifications/manage-webhooks.ts';
import { secretContext } from '../second-factor/secret-context.ts';
import type { Proof } from '../domain/proof.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { policyKey } from '../domain/policy.ts';
import { recordPolicyChange } from '../policies/manage-policies.ts';
import type { ImportedAuthenticator, ImportedRecoveryCodes } from '../users/import-store.ts';
import { linkLifetimeSeconds } from '../users/manage-users.ts';

const isOwn = (clientId: string): boolean => clientId.startsWith('twofold-');
const ownAcrValues = [acrTwoFactors];

/**
 * Every store over one connection or transaction, and the acts that cross features, which only this place knows. `boxes`
 * are those of people of whom events will be recorded, where they are at hand.
 */
export function makeStores(
  db: Kysely<Tables>,
  personKeys: PersonKeys,
  secretBox: SecretBox,
  boxes?: ReadonlyMap<string, PersonBox>,
) {
  const users = new PostgresUserStore(db);
  const knownBrowsers = new PostgresKnownBrowserStore(db);
  const links = new PostgresLinkStore(db);
  const notMeLinks = new PostgresNotMeLinkStore(db);
  const guards = new PostgresGuardStore(db);
  const sessions = new PostgresSessionStore(db);
  const tokens = new PostgresTokenStore(db);
  const authenticators = new PostgresAuthenticatorStore(db);
  const recoveryCodes = new PostgresRecoveryCodeStore(db);
  const relyingParties = new PostgresRelyingPartyStore(db, secretBox);
  const policies = new PostgresPolicyStore(db);
  const audit = new PostgresAuditLog(db, personKeys, boxes);
  return {
    users,
    knownBrowsers,
    signInPeople: new PostgresSignInPersonStore(db, personKeys),
    links,
    notMeLinks,
    helpRequests: new PostgresHelpRequestStore(db),
    guards,
    challengeHistory: new PostgresChallengeHistory(db),
    sessions,
    tokens,
    authenticators,
    recoveryCodes,
    relyingParties,
    registrationTokens: new PostgresRegistrationTokenStore(db),
    encryptionKeys: new PostgresEncryptionKeyStore(db),
    signingKeys: new PostgresSigningKeyStore(db),
    imports: new PostgresImportStore(db, (secret, row) => secretBox.seal(secret, secretContext(row)), personKeys),
    idempotentAnswers: new PostgresIdempotentAnswers(db),
    policies,
    restored: new PostgresRestoredState(db),
    graces: new PostgresEnrolmentGraceStore(db),
    trustedBrowsers: new PostgresTrustedBrowserStore(db),
    /** Our own surfaces always need two factors; what others need stands with them. */
    clientAcrValues: async (clientId: string) =>
      isOwn(clientId) ? ownAcrValues : (await relyingParties.find(clientId))?.acrValues,
    standing: {
      async read(userId: string, clientId: string) {
        const found = await new PostgresStandingStore(db).read(userId, clientId);
        return isOwn(clientId) ? { ...found, clientAcrValues: ownAcrValues } : found;
      },
      async readByLogin(login: string, clientId: string) {
        const found = await new PostgresStandingStore(db).readByLogin(login, clientId);
        return found && isOwn(clientId) ? { ...found, clientAcrValues: ownAcrValues } : found;
      },
    },
    backchannelRequests: new PostgresBackchannelRequestStore(db),
    audit,
    auditMonths: new PostgresAuditMonthStore(db),
    seals: new PostgresSealStore(db),
    outbox: new PostgresOutbox(db, secretBox),
    webhooks: new PostgresWebhookStore(db),
    eventSinks: new PostgresEventSinks(db, neverSentTypes),
    voidPassword: (userId: string) => users.voidPassword(userId),
    forgetBrowsers: (userId: string) => knownBrowsers.forgetAll(userId),
    async undoSecondFactor(userId: string, since: Date) {
      const { voided, restored } = await authenticators.undoSince(userId, since);
      return { voided, restored, recoveryCodes: await recoveryCodes.undoSince(userId, since) };
    },
    async issueNotMeLink(userId: string) {
      const token = newToken();
      await notMeLinks.issue(hashToken(token), userId);
      return token;
    },
    voidChallenges: (userId: string) => guards.voidChallenges(userId),
    userIdOf: async (login: string) => (await users.findByLogin(login))?.id,
    hasAddress: async (userId: string) => ((await users.find(userId))?.email ?? null) !== null,
    hasFactor: async (userId: string) => (await authenticators.listLive(userId)).length > 0,
    async forgetClient(clientId: string, actor: string, context: RequestContext) {
      await tokens.removeClient(clientId);
      const key = policyKey(`client:${clientId}`);
      const before = key && (await policies.find(key));
      if (key === undefined || before === undefined || !(await policies.remove(key))) return;
      await recordPolicyChange({ audit }, key, before.rule, undefined, actor, context);
    },
    erasePerson: (userId: string) => personKeys.destroy(db, userId),
    clearGuard: (userId: string) => guards.clear(userId),
    async endOtherSessions(userId: string, keep: string | null) {
      return (await sessions.endAll(userId, 'account', keep ?? undefined)).securityStamp;
    },
    async endSessions(userId: string, keep: string | null = null) {
      const { securityStamp } = await sessions.endAll(userId, 'account', keep ?? undefined);
      await tokens.removeGrantsOf(userId);
      return securityStamp;
    },
    holdProof: (userId: string, proof: Proof) => holdProof(db, userId, proof),
    async putImportedFactor(
      userId: string,
      imported: readonly ImportedAuthenticator[],
      codes: ImportedRecoveryCodes | undefined,
    ) {
      await authenticators.removeAll(userId, 'imported');
      for (const { secret, ...rest } of imported) {
        const id = newId();
        const secretSealed = secretBox.seal(secret, secretContext({ id, userId }));
        await authenticators.insertLive({ id, userId, secretSealed, ...rest });
      }
      const stored = (codes?.hashes ?? []).map((hash) => ({
        id: newId(),
        prefix: null,
        pattern: codes?.pattern ?? null,
        hash,
      }));
      await recoveryCodes.replace(userId, stored);
    },
    async issueRecoveryLink(userId: string) {
      const token = newToken();
      await links.voidAll(userId);
      await links.issue(hashToken(token), { purpose: 'recovery', userId }, linkLifetimeSeconds);
      return token;
    },
  };
}

export type Stores = ReturnType<typeof makeStores>;
