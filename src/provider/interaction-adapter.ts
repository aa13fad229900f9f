import { errors, type Adapter } from 'oidc-provider';
import { hashToken } from '../crypto/random.ts';
import type { AdapterDependencies } from './adapter.ts';
import { answered } from './engine-faults.ts';
import { issuingOfRequest } from './issuing.ts';
import { nothing } from './nothing-stored.ts';
import { open, seal } from './sealed-payload.ts';

/**
 * Created once, answered once, resumed once: the resume is decided in PostgreSQL, whatever became of the record. A resume
 * takes the record out by looking at it, and puts it back where it comes to nothing: where somebody else has to be signed
 * out of this browser first.
 */
export function interactionAdapter({ records, usedOnce, secretBox, epochMilliseconds }: AdapterDependencies): Adapter {
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
        issuing.taken = { id, putBack: () => records.create(kind, id, value, Math.max(1, secondsLeft)) };
      }
      return payload;
    },
    async destroy(id) {
      const issuing = issuingOfRequest();
      if (issuing?.taken?.id === id) {
        issuing.taken = undefined;
        issuing.resumed = hashToken(id);
        return;
      }
      const taken = await answered(records.take(kind, id));
      if (taken === undefined || !(await answered(usedOnce.mark('resume', hashToken(id), 86_400)))) {
        issuing?.fail();
        throw new errors.SessionNotFound('the interaction is over');
      }
    },
  };
}
