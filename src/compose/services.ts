import { resolve } from 'node:path';
import type { AttemptStore } from '../attempt-store.ts';
import { systemClock, type Clock } from '../clock.ts';
import { openDataFolder } from '../config/data-folder.ts';
import type { Settings } from '../config/settings-table.ts';
import { createPasswordHasher } from '../crypto/password-hasher.ts';
import { createSecretBox } from '../crypto/secret-box.ts';
import { serviceContext, type AuditEvent } from '../domain/audit-event.ts';
import { throttleLimits } from '../domain/throttle.ts';
import { SetupFault } from '../errors.ts';
import { networkOf } from '../http/client-address.ts';
import type { Logger } from '../logger.ts';
import { createManageWebhooks } from '../notifications/manage-webhooks.ts';
import { createOutbound } from '../notifications/outbound.ts';
import { createEncryptionKeys } from '../operations/encryption-keys.ts';
import { observeEvents } from '../operations/observe-events.ts';
import { createManageSigningKeys } from '../provider/manage-signing-keys.ts';
import { createSweep } from '../operations/expiry-store.ts';
import { createManageRelyingParties } from '../relying-parties/manage-relying-parties.ts';
import { createChangeSecondFactor } from '../second-factor/change-second-factor.ts';
import { createEnrolAuthenticator } from '../second-factor/enrol-authenticator.ts';
import { createImportSeed } from '../second-factor/import-seed.ts';
import { createOpenChallenge } from '../second-factor/open-challenge.ts';
import { createRedeemRecoveryCode } from '../second-factor/redeem-recovery-code.ts';
import { createResetSecondFactor } from '../second-factor/reset-second-factor.ts';
import { createSecondFactorStatus } from '../second-factor/status.ts';
import { createVerifyOneTimeCode } from '../second-factor/verify-one-time-code.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import { PostgresAuditReader } from '../storage/postgres/audit-reader.ts';
import { PostgresExpiryStore } from '../storage/postgres/expiry-store.ts';
import { PersonKeys } from '../storage/postgres/audit-person-keys.ts';
import {
  createAtOnce,
  createInOneTrip,
  createInTransaction,
  guarded,
  type Database,
} from '../storage/postgres/database.ts';
import type { AtOnce, InOneTrip } from '../transaction.ts';
import { createCheckPassword, createRememberBrowser } from '../users/check-password.ts';
import { createChangeProfile } from '../users/change-profile.ts';
import { loadCommonPasswords } from '../users/common-passwords.ts';
import { createPasswordStrength } from '../users/password-strength.ts';
import { createImportUsers } from '../users/import-users.ts';
import { createManageUsers } from '../users/manage-users.ts';
import { createSetPassword } from '../users/set-password.ts';
import { createNoticeServices } from './notice-services.ts';
import { createPolicyServices } from './policy-services.ts';
import { createBrake } from './brake.ts';
import { sealedColumns } from './sealed-columns.ts';
import { keysOf } from './keys-of.ts';
import { openAndMigrate } from './open-database.ts';
import { openShortLived } from './short-lived.ts';
import { makeStores, type Stores } from './stores.ts';

export interface ServiceOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Told what takes longer than a moment, for people who wait at a terminal. */
  readonly onProgress?: (line: string) => void;
  /** False leaves the database's form as it is, for looking at it. */
  readonly migrates?: boolean;
}

export type Services = Awaited<ReturnType<typeof openServices>>;

/** Opens the stores, migrates, and wires every use case; for the service and for the command line alike. */
export async function openServices(options: ServiceOptions) {
  const { settings, logger, clock = systemClock, onProgress = () => {}, migrates = true } = options;
  const embedded = settings.databaseUrl === undefined;
  const folder = embedded ? openDataFolder(resolve(settings.dataDir)) : undefined;
  let database: Database | undefined;
  let short: Awaited<ReturnType<typeof openShortLived>> | undefined;
  try {
    const keys = keysOf(settings, folder);
    const secretBox = createSecretBox(keys.encryption);
    if (embedded) onProgress('Opening the embedded database …');
    database = await openAndMigrate({ settings, folder, logger, onProgress, migrates });
    short = await openShortLived(settings, logger, clock);
    const wired = wire({ settings, logger, clock, database, short, keys, secretBox });
    if (migrates) {
      await wired.encryptionKeys.check();
      await wired.managePolicies.seed(settings.policies);
    }
    return { folder, ...wired };
  } catch (error) {
    await short?.close();
    await database?.close();
    folder?.release();
    throw error;
  }
}

interface Wiring {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly database: Database;
  readonly short: { records: ShortLivedRecords; attempts: AttemptStore; close(): Promise<void>; ping(): Promise<void> };
  readonly keys: ReturnType<typeof keysOf>;
  readonly secretBox: ReturnType<typeof createSecretBox>;
}

function wire({ settings, logger, clock, database, short, keys, secretBox }: Wiring) {
  const personKeys = new PersonKeys(secretBox, clock);
  const observers = new Set<(events: readonly AuditEvent[]) => void>();
  const inTransaction = observeEvents(
    createInTransaction(database.kysely, (db) => makeStores(db, personKeys, secretBox)),
    (events) => observers.forEach((observe) => observe(events)),
  );
  const inOneTrip: InOneTrip<Stores> = async (recorded, work) => {
    const boxes = await guarded(() => personKeys.forWriting(database.kysely, recorded, new Map()));
    return observeEvents(
      createInOneTrip(database.kysely, (db) => makeStores(db, personKeys, secretBox, boxes)),
      (events) => observers.forEach((observe) => observe(events)),
    )(work);
  };
  const plainStores = makeStores(database.kysely, personKeys, secretBox);
  /** For acts of one statement, which is a transaction by itself; two would not hold together. */
  const byOneStatement = observeEvents<Stores>(
    (work) => guarded(() => work(makeStores(database.kysely, personKeys, secretBox))),
    (events) => observers.forEach((observe) => observe(events)),
  );
  const atOnce: AtOnce<Stores> = createAtOnce(database.kysely, (db) => makeStores(db, personKeys, secretBox));
  /** For reads alone: BEGIN and COMMIT around one statement cost two round trips and give nothing. */
  const reading: typeof inTransaction = (work) => guarded(() => work(plainStores));
  const hasher = createPasswordHasher({
    memoryKibibytes: settings.hashMemoryKibibytes,
    iterations: settings.hashIterations,
    parallelism: 1,
    mostWaiting: settings.hashQueue,
  });
  const limits = throttleLimits(settings.windowSteps, 6);
  if (limits === undefined) throw new SetupFault('window_too_wide', 'TWOFOLD_CODE_WINDOW: guessing would be too easy');
  const secondFactor = {
    issuerName: settings.productName,
    digits: 6 as const,
    periodSeconds: 30,
    windowSteps: settings.windowSteps,
    limits,
    pendingEnrolmentSeconds: settings.pendingEnrolmentMinutes * 60,
  };
  const { records, attempts } = short;
  const isBraked = createBrake({
    count: () => inTransaction(({ guards }) => guards.countGuessedAccounts()),
    record: (event) => inTransaction(({ audit }) => audit.record(event)),
    clock,
    logger,
  });
  const charge = {
    inTransaction,
    byOneStatement,
    attempts,
    settings: secondFactor,
    clock,
    isBraked,
    networkOf,
  };
  const onUnreadableSecret = (userId: string): void =>
    logger.error({ userId, alarm: 'secret_unreadable' }, 'the stored secret of an authenticator does not open');
  const passwords = {
    isCommon: loadCommonPasswords(),
    contextWords: [settings.productName, 'twofold', new URL(settings.issuer).hostname.split('.').at(-2) ?? ''],
  };
  const outbound = createOutbound({
    allowed: settings.outboundAllowed,
    onRefused: (host) => {
      const event = { type: 'outbound.refused', actor: 'service', target: '', result: 'failure' } as const;
      inTransaction(({ audit }) => audit.record({ ...event, details: { host }, context: serviceContext })).catch(
        (err: unknown) => logger.warn({ err }, 'a refused address could not be recorded'),
      );
    },
  });
  const manageUsers = createManageUsers(inTransaction);
  const policy = createPolicyServices({ settings, inTransaction, reading, clock, limits, findUser: manageUsers.find });
  const status = createSecondFactorStatus(reading, secondFactor);
  return {
    ...policy,
    ...createNoticeServices({ settings, inTransaction, attempts }),
    settings,
    logger,
    clock,
    keys,
    secretBox,
    database,
    records,
    attempts,
    hasher,
    inTransaction,
    inOneTrip,
    reading,
    auditReader: new PostgresAuditReader(database.kysely, personKeys),
    secondFactor,
    passwords,
    passwordStrength: createPasswordStrength(passwords.contextWords),
    checkPassword: createCheckPassword({ inTransaction, byOneStatement, atOnce, attempts, hasher, networkOf }),
    rememberBrowser: createRememberBrowser(byOneStatement),
    setPassword: createSetPassword({
      inTransaction,
      hasher,
      settings: passwords,
      hasSecondFactor: policy.hasSecondFactor,
    }),
    manageUsers,
    changeProfile: createChangeProfile(inTransaction),
    importUsers: createImportUsers(inTransaction),
    importSeed: createImportSeed(inTransaction, secretBox),
    manageRelyingParties: createManageRelyingParties(inTransaction, policy.acrNames),
    manageWebhooks: createManageWebhooks({ inTransaction, secretBox, outbound }),
    manageSigningKeys: createManageSigningKeys({ inTransaction, secretBox, clock, schedule: scheduleOf(settings) }),
    openChallenge: createOpenChallenge(byOneStatement, inOneTrip),
    verifyOneTimeCode: createVerifyOneTimeCode({ ...charge, inOneTrip, atOnce, secretBox, onUnreadableSecret }),
    redeemRecoveryCode: createRedeemRecoveryCode({ ...charge, hasher }),
    enrolment: createEnrolAuthenticator({ inTransaction, secretBox, hasher, settings: secondFactor, clock }),
    status,
    changeSecondFactor: createChangeSecondFactor({ inTransaction, hasher }),
    resetSecondFactor: createResetSecondFactor(inTransaction),
    outbound,
    sweepExpired: createSweep(new PostgresExpiryStore(database.kysely)),
    encryptionKeys: createEncryptionKeys({
      inTransaction,
      ring: secretBox,
      columns: sealedColumns,
      rolloutSeconds: settings.keyRolloutSeconds,
    }),
    ping: short.ping,
    /** `observe` hears of what was recorded, once it is committed. */
    onRecorded: (observe: (events: readonly AuditEvent[]) => void) => void observers.add(observe),
    async close() {
      await outbound.close();
      await short.close();
      await database.close();
    },
  };
}

function scheduleOf(settings: Settings) {
  const day = 86_400;
  return {
    rotateAfterSeconds: settings.signingKeyDays * day,
    aheadSeconds: settings.signingKeyAheadSeconds,
    retiredSeconds: settings.signingKeyRetiredDays * day,
  };
}
