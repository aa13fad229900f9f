import { errors, type Adapter, type AdapterPayload } from 'oidc-provider';
import { hashToken } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import { Conflict } from '../errors.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import { answered } from './engine-faults.ts';
import { interactionAdapter } from './interaction-adapter.ts';
import { issuingOfRequest } from './issuing.ts';
import { lateReuseOf, noteLateReuse, type LateReuse } from './late-reuse.ts';
import { nothing, unused } from './nothing-stored.ts';
import { noteReadWithToken, takeGrantReadWithToken } from './read-with-token.ts';
import { repeatableSeconds, rotationOfRequest } from './refresh-rotation.ts';
import { requestOrigin } from './request-origin.ts';
import { open, seal, tokenContext } from './sealed-payload.ts';
import type { SessionStore, TokenStore, UsedOnceStore, WriteIssued } from './stores.ts';

export interface AdapterDependencies {
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly usedOnce: UsedOnceStore;
  readonly writeIssued: WriteIssued;
  readonly records: ShortLivedRecords;
  readonly secretBox: SecretBox;
  /** Metadata of a relying party in the engine's names, or undefined. */
  readonly findClient: (clientId: string) => Promise<AdapterPayload | undefined>;
  /** Ends a grant of which something was redeemed twice, and records that. */
  readonly endReusedGrant: (reuse: LateReuse) => Promise<void>;
  readonly sessionIdleSeconds: number;
  readonly epochMilliseconds: () => number;
}

/** Tokens whose loss or revival would matter live in PostgreSQL; what may be lost lives in short-lived records. */
type DurableToken = LateReuse['kind'];
const isDurable = (model: string): model is DurableToken => model === 'AuthorizationCode' || model === 'RefreshToken';

/** The engine's storage, a small adapter for each of its models. Bearer ids are hashed, payloads sealed with the id. */
export function createAdapterFactory(dependencies: AdapterDependencies): (model: string) => Adapter {
  return (model) => {
    if (model === 'Session') return sessionAdapter(dependencies);
    if (model === 'Grant') return grantAdapter(dependencies);
    if (model === 'Client') return clientAdapter(dependencies);
    if (model === 'Interaction') return interactionAdapter(dependencies);
    return isDurable(model) ? tokenAdapter(model, dependencies) : recordAdapter(model, dependencies);
  };
}

function sessionAdapter({ sessions, sessionIdleSeconds }: AdapterDependencies): Adapter {
  return {
    ...nothing,
    async upsert(id, payload, expiresIn = 1) {
      const { jti: _jti, authorizations, ...rest } = payload as Record<string, unknown>;
      const origin = requestOrigin.getStore() ?? { address: '', userAgent: '' };
      const record = {
        uid: rest['uid'] as string,
        userId: (rest['accountId'] as string | undefined) ?? null,
        payload: rest,
        authorizations: (authorizations as Record<string, unknown> | undefined) ?? {},
      };
      const issuing = issuingOfRequest();
      const isNew = issuing?.hasSession === false;
      const saved = { idHash: hashToken(id), session: record, origin, lifetimeSeconds: expiresIn, isNew };
      await (issuing === undefined ? answered(sessions.save(saved)) : issuing.write(saved));
    },
    async find(id) {
      const found = await answered(sessions.find(hashToken(id), sessionIdleSeconds));
      const issuing = issuingOfRequest();
      if (issuing !== undefined && found !== undefined) issuing.hasSession = true;
      return found && { ...found.payload, authorizations: found.authorizations as never, jti: id };
    },
    async findByUid(uid) {
      const found = await answered(sessions.findByUid(uid));
      return found && { ...found.payload, authorizations: found.authorizations as never };
    },
    // The engine calls this for the old id at every rotation; a session's end is recorded by its own wrapper.
    async destroy(id) {
      const issuing = issuingOfRequest();
      if (issuing === undefined) await answered(sessions.forgetId(hashToken(id)));
      else issuing.forgotten = hashToken(id);
    },
  };
}

function grantAdapter({ tokens, endReusedGrant }: AdapterDependencies): Adapter {
  return {
    ...nothing,
    async upsert(id, payload, expiresIn = 1) {
      const { accountId = '', clientId = '' } = payload;
      const plain = payload as Record<string, unknown>;
      const saved = { id, userId: accountId, clientId, payload: plain, lifetimeSeconds: expiresIn };
      const issuing = issuingOfRequest();
      if (issuing === undefined) await answered(tokens.saveGrant(saved));
      else issuing.grants.set(id, saved);
    },
    async find(id) {
      const issued = issuingOfRequest()?.grants.get(id);
      return issued?.payload ?? takeGrantReadWithToken(id) ?? answered(tokens.findGrant(id));
    },
    async destroy(id) {
      const reuse = lateReuseOf(id);
      await answered<unknown>(reuse === undefined ? tokens.removeGrant(id) : endReusedGrant(reuse));
    },
  };
}

function clientAdapter({ findClient }: AdapterDependencies): Adapter {
  return { ...nothing, find: async (id) => answered(findClient(id)) };
}

const longestRaceMilliseconds = 10_000;
/**
 * Requests of one burst are taken one after the other, and a busy process takes the last of them a while after the
 * winner was answered. It loses all the same; only its reuse ends nothing yet.
 */
const lateLoserMilliseconds = 2000;

/** Codes and refresh tokens. `consume` is one conditional write, and the losers of a race get nothing. */
function tokenAdapter(kind: DurableToken, { tokens, secretBox, epochMilliseconds }: AdapterDependencies): Adapter {
  const successorContext = (idHash: string) => tokenContext(kind, idHash, 'successor');
  /** The successor of a token used up moments ago, while nobody has used it. */
  const successorOf = async (idHash: string, consumedAt: Date): Promise<string | undefined> => {
    if (kind !== 'RefreshToken' || epochMilliseconds() - consumedAt.getTime() > repeatableSeconds * 1000)
      return undefined;
    const sealed = await answered(tokens.findUnusedSuccessor(idHash));
    return sealed === undefined ? undefined : secretBox.open(sealed, successorContext(idHash)).toString('utf8');
  };
  return {
    ...nothing,
    async upsert(id, payload, expiresIn = 1) {
      const { grantId, sessionUid, scope } = payload;
      if (grantId === undefined) throw new errors.InvalidGrant('a token needs a grant');
      const idHash = hashToken(id);
      const offline = kind === 'RefreshToken' && (scope ?? '').split(' ').includes('offline_access');
      const payloadSealed = seal(secretBox, kind, idHash, payload);
      const record = { idHash, kind, grantId, sessionUid: sessionUid ?? null, offline, payloadSealed };
      const issuing = kind === 'AuthorizationCode' ? issuingOfRequest() : undefined;
      if (issuing !== undefined) {
        issuing.codes.push({ code: record, lifetimeSeconds: Math.max(1, expiresIn) });
        return;
      }
      try {
        await answered(tokens.save(record, Math.max(1, expiresIn)));
      } catch (error) {
        if (error instanceof Conflict) throw new errors.InvalidGrant('the grant was ended');
        throw error;
      }
      const previous = kind === 'RefreshToken' ? rotationOfRequest().consumed : undefined;
      if (previous !== undefined && previous !== idHash) {
        const sealed = secretBox.seal(Buffer.from(id), successorContext(previous));
        await answered(tokens.setSuccessor(previous, idHash, sealed));
      }
    },
    async find(id) {
      const idHash = hashToken(id);
      const found = await answered(tokens.find(kind, idHash));
      if (found === undefined) return undefined;
      noteReadWithToken(found);
      const payload = open(secretBox, kind, idHash, found.payloadSealed);
      if (found.consumedAt === null) return payload;
      const successor = await successorOf(idHash, found.consumedAt);
      if (successor !== undefined) {
        rotationOfRequest().repeated = { idHash, successor };
        return payload;
      }
      // A request that was here before the winner had its answer lost a race; it is no later reuse, for which the
      // engine would end the winner's tokens. A winner that never answered (its replica died) bounds the race.
      const raceEndsAt =
        found.answeredAt === null
          ? found.consumedAt.getTime() + longestRaceMilliseconds
          : found.answeredAt.getTime() + lateLoserMilliseconds;
      const arrivedAt = requestOrigin.getStore()?.arrivedAt;
      if (arrivedAt !== undefined && arrivedAt <= raceEndsAt) return undefined;
      const { grantId = '', accountId: userId = '', clientId = '' } = payload;
      noteLateReuse({ kind, grantId, userId, clientId });
      return { ...payload, consumed: Math.floor(found.consumedAt.getTime() / 1000) };
    },
    async consume(id) {
      const idHash = hashToken(id);
      const rotation = kind === 'RefreshToken' ? rotationOfRequest() : {};
      if (rotation.repeated?.idHash === idHash) return;
      if (!(await answered(tokens.consume(kind, idHash)))) throw new errors.InvalidGrant('already used');
      rotation.consumed = idHash;
    },
    async destroy(id) {
      await answered(tokens.remove(kind, hashToken(id)));
    },
    async revokeByGrantId(grantId) {
      await answered(tokens.removeByGrant(kind, grantId));
    },
  };
}

/** Everything that may be lost: opaque access tokens, pushed requests, device codes. */
function recordAdapter(kind: string, dependencies: AdapterDependencies): Adapter {
  const { records, usedOnce, tokens, secretBox } = dependencies;
  const isDevice = kind === 'DeviceCode';
  // A record of its own: whoever merely began to look at the device a moment ago saves it again, unanswered.
  const answerKind = `${kind}-answer`;
  const read = async (recordKind: string, id: string): Promise<AdapterPayload | undefined> => {
    const value = await answered(records.read(recordKind, id));
    return value === undefined ? undefined : open(secretBox, recordKind, hashToken(id), value);
  };
  const put = (recordKind: string, id: string, payload: AdapterPayload, ttl: number): Promise<void> =>
    answered(records.put(recordKind, id, seal(secretBox, recordKind, hashToken(id), payload), ttl));
  const find = async (id: string): Promise<AdapterPayload | undefined> => {
    const payload = (isDevice ? await read(answerKind, id) : undefined) ?? (await read(kind, id));
    if (payload === undefined) return undefined;
    if (kind === 'AccessToken') {
      const { grantId, sessionUid, scope } = payload;
      const offline = (scope ?? '').split(' ').includes('offline_access');
      if (grantId === undefined || !(await answered(tokens.isLive(grantId, sessionUid ?? null, offline)))) {
        return undefined;
      }
    }
    if (consumable.has(kind) && (await answered(usedOnce.isMarked(kind, hashToken(id))))) {
      return { ...payload, consumed: 1 };
    }
    return payload;
  };
  /** Allowed or refused once, by one person: the engine saves what it read a moment ago, whoever was first. */
  const answerDevice = async (id: string, payload: AdapterPayload, ttl: number): Promise<void> => {
    if (!(await answered(usedOnce.mark('device', hashToken(id), 86_400)))) {
      throw new errors.InvalidRequest('this device was answered before');
    }
    await put(answerKind, id, payload, ttl);
  };
  return {
    ...nothing,
    async upsert(id, payload, expiresIn = 1) {
      const ttl = Math.max(1, expiresIn);
      const isRefused = (payload as { error?: unknown }).error !== undefined;
      if (isDevice && (isRefused || payload.accountId !== undefined)) {
        const issuing = issuingOfRequest();
        // What was to be answered once the rest is written is not: the request failed after all.
        if (isRefused && issuing !== undefined) issuing.afterwards.length = 0;
        if (isRefused || issuing === undefined) await answerDevice(id, payload, ttl);
        else issuing.afterwards.push(() => answerDevice(id, payload, ttl));
        return;
      }
      await put(kind, id, payload, ttl);
      const { userCode } = payload;
      if (userCode === undefined) return;
      const code = seal(secretBox, `${kind}-user-code`, hashToken(userCode), { jti: id });
      await answered(records.put(`${kind}-user-code`, userCode, code, ttl));
    },
    find,
    async findByUserCode(userCode) {
      const value = await answered(records.read(`${kind}-user-code`, userCode));
      if (value === undefined) return undefined;
      const { jti } = open(secretBox, `${kind}-user-code`, hashToken(userCode), value);
      return jti === undefined ? undefined : find(jti);
    },
    async consume(id) {
      if (await answered(usedOnce.mark(kind, hashToken(id), 86_400))) return;
      throw kind === 'PushedAuthorizationRequest'
        ? new errors.InvalidRequestUri('request_uri was used before')
        : new errors.InvalidGrant('already used');
    },
    async destroy(id) {
      await answered(records.remove(kind, id));
      if (isDevice) await answered(records.remove(answerKind, id));
    },
    // Access tokens end with their grant (see find); the others are short and bound to one use.
    revokeByGrantId: unused,
  };
}

const consumable = new Set(['PushedAuthorizationRequest', 'DeviceCode', 'BackchannelAuthenticationRequest']);
