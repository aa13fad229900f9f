/** What stands under a key: nothing of its kind (the caller does the work now), work under way, or an answer. */
export type BegunAnswer =
  | { readonly kind: 'begun' }
  | { readonly kind: 'under-way' }
  | { readonly kind: 'answered'; readonly answerSealed: string }
  /** The same key came with another request. */
  | { readonly kind: 'other-request' };

/** Answers to repeated requests. Keys are hashes of who asks and their Idempotency-Key; answers are sealed. */
export interface IdempotentAnswers {
  /**
   * Takes the key, or tells what stands under it: of any number of parallel calls one gets `begun`. A key whose work
   * began more than `abandonedSeconds` ago and never ended (its replica died) is taken anew.
   */
  begin(keyHash: string, fingerprint: string, lifetimeSeconds: number, abandonedSeconds: number): Promise<BegunAnswer>;
  finish(keyHash: string, answerSealed: string): Promise<void>;
  /** Frees the key of a call that was refused and did nothing. */
  forget(keyHash: string): Promise<void>;
}
