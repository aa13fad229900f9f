import { existsSync, readFileSync } from 'node:fs';
import type { AdminServices, SessionAdministration } from '../admin/admin-services.ts';
import { createVerifyAudit } from '../audit/verify.ts';
import type { AcrNames } from '../domain/authentication.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { StoreUnavailable } from '../errors.ts';
import { createRequiredOf } from '../policies/required-of.ts';
import { createCheckAccessToken } from '../provider/check-access-token.ts';
import { clientName } from '../provider/client-name.ts';
import { adminAudience } from '../provider/resource-servers.ts';
import { createAdministerRelyingParties } from '../relying-parties/administer-relying-parties.ts';
import { PostgresChainReader } from '../storage/postgres/audit-chain.ts';
import { guarded } from '../storage/postgres/database.ts';
import { PostgresUserDirectory } from '../storage/postgres/user-directory.ts';
import type { createHandleProtocol } from './handle-protocol.ts';
import type { Services } from './services.ts';

export interface AdminParts {
  readonly services: Services;
  readonly protocol: Awaited<ReturnType<typeof createHandleProtocol>>;
  readonly acr: AcrNames;
}

/** What the admin API and the console are given. */
export function createAdminServices({ services, protocol, acr }: AdminParts): AdminServices {
  const { settings, inTransaction, clock, database, secretBox } = services;
  const db = database.kysely;
  const directory = new PostgresUserDirectory(db, services.secondFactor.limits);
  const checkToken = createCheckAccessToken({
    provider: protocol.provider,
    acrNames: acr,
    issuer: settings.issuer,
    clock,
  });
  return {
    ...services,
    issuer: settings.issuer,
    now: () => clock.now(),
    epochSeconds: () => clock.epochSeconds(),
    freshSeconds: settings.adminFreshSeconds,
    callsPerMinute: settings.adminCallsPerMinute,
    checkToken: (call) => checkToken(call, adminAudience(settings.issuer)),
    findUser: (id) => inTransaction(({ users }) => users.find(id)),
    async registeredScope(clientId) {
      const found = await inTransaction(({ relyingParties }) => relyingParties.find(clientId));
      if (found === undefined) return undefined;
      return typeof found.metadata['scope'] === 'string' ? found.metadata['scope'] : '';
    },
    idempotentAnswers: {
      begin: (...given) => inTransaction(({ idempotentAnswers }) => idempotentAnswers.begin(...given)),
      finish: (...given) => inTransaction(({ idempotentAnswers }) => idempotentAnswers.finish(...given)),
      forget: (...given) => inTransaction(({ idempotentAnswers }) => idempotentAnswers.forget(...given)),
    },
    record: (event) => inTransaction(({ audit }) => audit.record(event)),
    directory: {
      list: (...given) => guarded(() => directory.list(...given)),
      find: (id) => guarded(() => directory.find(id)),
      count: (...given) => guarded(() => directory.count(...given)),
      coverage: () => guarded(() => directory.coverage()),
      namesOf: (ids) => guarded(() => directory.namesOf(ids)),
    },
    requiredOf: createRequiredOf({ inTransaction, names: services.acrNames, fallback: services.fallbackPolicy }),
    fernetKeys: () => readFernetKeys(settings.importFernetKeysFile),
    countOperators: () => inTransaction(({ users }) => users.countOperators()),
    relyingParties: createAdministerRelyingParties({
      inTransaction,
      checkMetadata: protocol.checkMetadata,
      acrNames: acr,
    }),
    clientName: (clientId) => clientName(protocol.provider(), clientId),
    sessions: createSessionAdministration(inTransaction),
    readGuard: (userId) => inTransaction(({ guards }) => guards.readGuard(userId)),
    limits: services.secondFactor.limits,
    verifyAudit: createVerifyAudit({ reader: new PostgresChainReader(db), secretBox }),
  };
}

/** Read at each import, so that the file need not lie there longer than the import takes. */
function readFernetKeys(path: string | undefined): string[] {
  return path === undefined || !existsSync(path) ? [] : readFileSync(path, 'utf8').split(/\s+/).filter(Boolean);
}

/** How many rows one step of an end of everything takes: short enough that nobody waits for its locks. */
const step = 1000;

/** Does a step again and again until one finds less to do than it may; answers how much there was. */
async function untilNoneIsLeft(work: () => Promise<number>): Promise<number> {
  let count = 0;
  for (let done = step; done === step; count += done) done = await work();
  return count;
}

/** Waits for a row ten times as long as everything else does: what is ended for everybody must not fail for one. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (tried === 10 || !(error instanceof StoreUnavailable)) throw error;
    }
  }
}

function createSessionAdministration(inTransaction: Services['inTransaction']): SessionAdministration {
  async function endHalfways(): Promise<void> {
    const inUse: string[] = [];
    let after: string | undefined;
    do {
      const page = await inTransaction(({ sessions }) => sessions.endHalfway(step, after));
      inUse.push(...page.inUse);
      after = page.last;
    } while (after !== undefined);
    for (const id of inUse) await patiently(() => inTransaction(({ sessions }) => sessions.endHalfwayOf([id])));
  }

  const event = (type: AuditEvent['type'], actor: string, target: string) =>
    ({ type, actor, target, result: 'success', reason: 'operator' }) as const;
  return {
    list: (userId) => inTransaction(({ sessions }) => sessions.list(userId)),
    end: (userId, uid, actor, context, reason = 'operator') =>
      inTransaction(async ({ sessions, audit }) => {
        const own = (await sessions.list(userId)).some((session) => session.uid === uid);
        if (!own || !(await sessions.end(uid, 'operator'))) return false;
        await audit.record({ ...event('session.ended', actor, userId), reason, context });
        return true;
      }),
    endAllOf: (userId, actor, context, reason) =>
      inTransaction(async ({ endSessions, audit }) => {
        await endSessions(userId);
        const why = reason === undefined ? {} : { reason };
        await audit.record({ ...event('session.ended', actor, userId), ...why, context });
      }),
    async endEverybodys(actor, context) {
      const some = (waits: boolean) => inTransaction(({ sessions }) => sessions.endSome(step, 'operator', waits));
      // Before anything that may have to wait; once what is on its way is ended, those that were quicker.
      let count = await untilNoneIsLeft(() => some(false));
      await endHalfways();
      count += await untilNoneIsLeft(() => patiently(() => some(true)));
      await untilNoneIsLeft(() => patiently(() => inTransaction(({ tokens }) => tokens.removeSomeGrants(step))));
      await inTransaction(({ audit }) =>
        audit.record({ ...event('session.ended', actor, ''), details: { count }, context }),
      );
      return count;
    },
    listGrants: (userId, limit, after) => inTransaction(({ tokens }) => tokens.listGrants(userId, limit, after)),
    endGrant: (userId, grantId, actor, context, reason = 'operator') =>
      inTransaction(async ({ tokens, audit }) => {
        if (!(await tokens.removeGrantOf(userId, grantId))) return false;
        const details = { grant: grantId };
        await audit.record({ ...event('token-family.revoked', actor, userId), reason, details, context });
        return true;
      }),
    endGrants: (userId, actor, context) =>
      inTransaction(async ({ tokens, audit }) => {
        const count = await tokens.removeGrantsOf(userId);
        await audit.record({ ...event('token-family.revoked', actor, userId), details: { count }, context });
      }),
  };
}
