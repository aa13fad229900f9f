/**
 * Small values that expire by themselves and may be lost: half-way sign-ins, interactions, opaque access tokens. Ids are
 * hashed into keys, so what strangers send never forms one. A fault throws `StoreUnavailable`; nothing is retried.
 */
export interface ShortLivedRecords {
  /** Writes only where nothing is there; answers whether it did. */
  create(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Writes only where something is there; answers whether it did. */
  replace(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Writes in any case. */
  put(kind: string, id: string, value: string, ttlSeconds: number): Promise<void>;
  read(kind: string, id: string): Promise<string | undefined>;
  /** Reads and removes in one act: of any number of parallel calls one gets the value. */
  take(kind: string, id: string): Promise<string | undefined>;
  remove(kind: string, id: string): Promise<void>;
}
