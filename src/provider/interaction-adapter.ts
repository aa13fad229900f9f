import { errors, type Adapter, type AdapterPayload } from 'oidc-provider';
import { hashToken } from '../crypto/random.ts';
import { noSecurityStamp } from '../domain/proof.ts';
import type { AdapterDependencies } from './adapter.ts';
import { answered } from './engine-faults.ts';
import { issuingOfRequest } from './issuing.ts';
import { nothing } from './nothing-stored.ts';
import { open, seal } from './sealed-payload.ts';
import type { Issued } from './stores.ts';

/**
 * Created once, answered once, resumed once: the resume is decided in PostgreSQL, whatever became of the record. A resume
 * takes the record out by looking at it, and puts it back where it is to be asked for again: where somebody else has to be
 * signed out of this browser first, or where nothing could be stored.
 */
export function interactionAdapter({ records, secretBox, epochMilliseconds }: AdapterDependencies): Adapter {
  const kind = 'interaction';
  return {
    ...nothing,
    async upsert(id, payload, expiresIn = 1) {
      const value = seal(secretBox, kind, hashToken(id), payload);
      const answeredBefore = (payload as { result?: unknown }).result !== undefined;
      const issuing = issuingOfRequest();
      const isTaken = issuing?.taken?.id === id;
      const write = answeredBefore && !isTaken ? records.replace : records.create;
      if (!(await answered(write.call(records, kind, id, value, Math.max(1, expiresIn))))) {
        throw new errors.SessionNotFound('the interaction is over');
      }
      if (isTaken) issuing.taken = undefined;
    },
    async find(id) {
      const issuing = issuingOfRequest();
      const value = await answered(issuing === undefined ? records.read(kind, id) : records.take(kind, id));
      if (value === undefined) {
        issuing?.fail();
        return undefined;
      }
      const payload = open(secretBox, kind, hashToken(id), value);
      if (issuing !== undefined) {
        const secondsLeft = (payload.exp ?? 0) - Math.floor(epochMilliseconds() / 1000);
        issuing.proven = provenIn(payload);
        issuing.taken = { id, putBack: () => records.create(kind, id, value, Math.max(1, secondsLeft)) };
      }
      return payload;
    },
    async destroy(id) {
      const issuing = issuingOfRequest();
      if (issuing?.taken?.id !== id) throw new errors.SessionNotFound('the interaction is over');
      issuing.resumed = hashToken(id);
    },
  };
}

interface AnsweredInteraction {
  readonly result?: {
    readonly login?: { readonly accountId?: string };
    readonly consent?: unknown;
    readonly securityStamp?: string;
  };
  readonly session?: { readonly uid?: string; readonly accountId?: string };
}

/** What `interaction/finish.ts` says beside the engine's own result. */
function provenIn(payload: AdapterPayload): Issued['proven'] {
  const { result = {}, session = {} } = payload as AnsweredInteraction;
  const { uid: sessionUid, accountId } = session;
  // Consent is asked in a session. Whatever else has an account began before there was one.
  if (result.consent !== undefined && sessionUid !== undefined && accountId !== undefined) {
    return { userId: accountId, proof: { sessionUid } };
  }
  const { login: { accountId: userId } = {}, securityStamp = noSecurityStamp } = result;
  return userId === undefined ? undefined : { userId, proof: { securityStamp } };
}
