import { createHash } from 'node:crypto';
import { Conflict, Fault, InvalidInput } from '../../errors.ts';
import type { SecretContext } from '../../crypto/secret-box.ts';
import type { AdminServices } from '../admin-services.ts';
import type { Answer } from './route.ts';

const lifetimeSeconds = 86_400;
/** Longer than any call may take: a key whose work never ended after that belonged to a replica that died. */
const abandonedSeconds = 60;

/** Whose key it is and for which request it came. */
export interface KeyedRequest {
  readonly key: string;
  readonly actorId: string;
  /** Method, path, query, If-Match and body. */
  readonly request: readonly string[];
}

/**
 * Does the work once for each key of an actor within a day, and answers repeats with the same answer: the key is
 * written before the work begins. A call that was refused frees its key. Throws `Conflict` (`call_under_way`) for a
 * parallel repeat and `Fault` 422 (`idempotency_key_reused`) for a key that came with another request.
 */
export async function onceForKey(
  { idempotentAnswers, secretBox }: AdminServices,
  { key, actorId, request }: KeyedRequest,
  work: () => Promise<Answer>,
): Promise<Answer & { readonly replayed?: true }> {
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new InvalidInput('Idempotency-Key', 'a key is 1 to 200 visible ASCII characters');
  }
  const keyHash = digest([actorId, key]);
  const begun = await idempotentAnswers.begin(keyHash, digest(request), lifetimeSeconds, abandonedSeconds);
  switch (begun.kind) {
    case 'under-way':
      throw new Conflict('call_under_way', 'the same call is under way; ask again in a moment');
    case 'other-request':
      throw new Fault('idempotency_key_reused', 422, 'this key was used for another request');
    case 'answered': {
      const plain = secretBox.open(begun.answerSealed, idempotentAnswerContext(keyHash)).toString('utf8');
      return { ...(JSON.parse(plain) as Answer), replayed: true };
    }
    case 'begun':
  }
  let answer: Answer;
  try {
    answer = await work();
  } catch (error) {
    // What we refused did nothing; of any other end nobody knows, so the key stays taken for a minute.
    if (error instanceof Fault) await idempotentAnswers.forget(keyHash);
    throw error;
  }
  const sealed = secretBox.seal(Buffer.from(JSON.stringify(answer)), idempotentAnswerContext(keyHash));
  await idempotentAnswers.finish(keyHash, sealed);
  return answer;
}

/** Answers hold links and secrets that are shown once. */
/** What a stored answer is bound to. */
export function idempotentAnswerContext(keyHash: string): SecretContext {
  return { table: 'idempotent_answers', column: 'answer_sealed', owner: '', row: keyHash };
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
