/** An event in the exact words that are chained: every field as the database prints it. */
export interface ChainedEvent {
  readonly id: string;
  /** UTC, with microseconds: `2026-11-24T12:00:00.000000Z`. */
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly target: string;
  readonly result: string;
  readonly reason: string | null;
  readonly details: string;
  readonly requestId: string;
  readonly originSealed: string | null;
  readonly personalSealed: string | null;
}

/** One link of the chain: some events of one month, in order. */
export interface Seal {
  /** From 1, without a gap. */
  readonly number: number;
  /** `2026-11` */
  readonly month: string;
  readonly eventIds: readonly string[];
  /** 32 bytes each, in the order of the ids. */
  readonly eventHashes: Buffer;
  readonly previousHash: Buffer;
  readonly hash: Buffer;
  /** The hash under the service's own key: whoever has the database alone cannot make another chain. */
  readonly hashSealed: string;
}

/** Where the chain ends; written down elsewhere, it proves that nothing was cut off. */
export interface ChainHead {
  readonly number: number;
  /** Base64url. */
  readonly hash: string;
}

/** What the sealer does in one transaction, of which one runs at a time. */
export interface SealStore {
  /**
   * The committed events that no seal holds yet, oldest first, `most` at most, and the chain's last seal. Undefined
   * where another replica is sealing: it will take them.
   */
  begin(
    most: number,
  ): Promise<{ readonly last: Seal | undefined; readonly events: readonly ChainedEvent[] } | undefined>;
  append(seals: readonly Seal[]): Promise<void>;
}

/** What verifying reads. Seals and events never change, so no transaction is needed. */
export interface ChainReader {
  /** From `number` on, in order. */
  readSeals(number: number, most: number): Promise<readonly Seal[]>;
  readEvents(ids: readonly string[], month: string): Promise<readonly ChainedEvent[]>;
  /** What each month holds, as of one moment. */
  tally(): Promise<readonly MonthTally[]>;
  /** Ids of events of a month that neither a seal holds nor the sealer has still to take; `most` at most. */
  findStrays(month: string, most: number): Promise<readonly string[]>;
  /** Ids the sealer has to take whose event is not there; `most` at most. */
  findLost(most: number): Promise<readonly string[]>;
}

export interface MonthTally {
  readonly month: string;
  readonly events: number;
  /** Of these, how many wait for the sealer. */
  readonly waiting: number;
  /** How many the seals of this month hold, there or not. */
  readonly sealed: number;
}
