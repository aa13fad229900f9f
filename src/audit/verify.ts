import { SecretUnreadable, type SecretBox } from '../crypto/secret-box.ts';
import { genesis, hashBytes, hashEvent, hashSeal, headOf, sealContext } from './chain.ts';
import type { ChainedEvent, ChainHead, ChainReader, Seal } from './seal-store.ts';

/** One way in which the record is not what it was. */
export interface ChainBreak {
  readonly kind:
    | 'event-edited'
    | 'event-removed'
    /** It stands there, but was never chained, nor does it wait for it. */
    | 'event-inserted'
    /** All events of a month are gone, without a record that its time was over. */
    | 'month-removed'
    | 'seal-edited'
    | 'seal-removed'
    /** It does not follow from the one before it. */
    | 'seal-moved'
    /** Made without the service's key. */
    | 'seal-forged'
    /** The chain does not pass a head that was written down elsewhere. */
    | 'chain-cut';
  readonly seal?: number;
  readonly event?: string;
  readonly month?: string;
}

export interface VerifyReport {
  readonly kind: 'intact' | 'broken';
  readonly seals: number;
  readonly events: number;
  /** Events whose month was dropped after its time; the chain still leads over their hashes. */
  readonly dropped: number;
  /** Seals under keys that left the ring; a later seal vouches for them. */
  readonly unchecked: number;
  /** At most a hundred. */
  readonly breaks: readonly ChainBreak[];
  readonly head: ChainHead | null;
}

export interface VerifyOptions {
  /** Heads that were written down elsewhere: in the log, at a sink, by an earlier run. */
  readonly heads?: readonly ChainHead[];
  readonly onProgress?: (seals: number) => void;
}

const mostBreaks = 100;
const sealsAtOnce = 50;

/**
 * Walks the chain from its first seal and compares every event with the hash it was chained under. Events that wait for
 * the sealer, for a second or so, are counted only. Whoever holds the database and the service's keys could make a
 * whole new chain, or cut off its end: that is what heads are written down for.
 */
export function createVerifyAudit({ reader, secretBox }: { reader: ChainReader; secretBox: SecretBox }) {
  return async ({ heads = [], onProgress }: VerifyOptions = {}): Promise<VerifyReport> => {
    const walk = new Walk(reader, secretBox);
    for (let next = 1; ;) {
      const seals = await reader.readSeals(next, sealsAtOnce);
      for (const seal of seals) await walk.visit(seal);
      onProgress?.(walk.seals);
      if (seals.length < sealsAtOnce) break;
      next = (walk.previous?.number ?? 0) + 1;
    }
    return walk.finish(heads);
  };
}

interface Missing {
  count: number;
  present: number;
  readonly samples: ChainBreak[];
}

class Walk {
  seals = 0;
  previous: Seal | undefined;
  readonly #reader: ChainReader;
  readonly #secretBox: SecretBox;
  readonly #breaks: ChainBreak[] = [];
  readonly #months = new Map<string, Missing>();
  readonly #prunedMonths = new Set<string>();
  readonly #hashes = new Map<number, string>();
  readonly #readable = new Set<string>();
  readonly #unreadable: { readonly number: number; readonly keyId: string }[] = [];
  #events = 0;

  constructor(reader: ChainReader, secretBox: SecretBox) {
    this.#reader = reader;
    this.#secretBox = secretBox;
  }

  async visit(seal: Seal): Promise<void> {
    const expected = (this.previous?.number ?? 0) + 1;
    if (seal.number !== expected) this.#break({ kind: 'seal-removed', seal: expected });
    else if (!seal.previousHash.equals(this.previous?.hash ?? genesis)) {
      this.#break({ kind: 'seal-moved', seal: seal.number });
    }
    if (!hashSeal(seal).equals(seal.hash)) this.#break({ kind: 'seal-edited', seal: seal.number });
    this.#openSeal(seal);
    await this.#compareEvents(seal);
    this.#hashes.set(seal.number, headOf(seal).hash);
    this.seals += 1;
    this.previous = seal;
  }

  async finish(heads: readonly ChainHead[]): Promise<VerifyReport> {
    for (const { number, hash } of heads) {
      if (this.#hashes.get(number) !== hash) this.#break({ kind: 'chain-cut', seal: number });
    }
    const unchecked = this.#judgeUnreadable();
    let dropped = 0;
    for (const [month, missing] of this.#months) {
      if (missing.present === 0 && this.#prunedMonths.has(month)) dropped += missing.count;
      else if (missing.present === 0 && missing.count > 0) this.#break({ kind: 'month-removed', month });
      else for (const sample of missing.samples) this.#break(sample);
    }
    await this.#findInserted();
    for (const event of await this.#reader.findLost(mostBreaks)) this.#break({ kind: 'event-removed', event });
    return {
      kind: this.#breaks.length === 0 ? 'intact' : 'broken',
      seals: this.seals,
      events: this.#events,
      dropped,
      unchecked,
      breaks: this.#breaks,
      head: this.previous === undefined ? null : headOf(this.previous),
    };
  }

  #break(one: ChainBreak): void {
    if (this.#breaks.length < mostBreaks) this.#breaks.push(one);
  }

  #openSeal(seal: Seal): void {
    let keyId: string | undefined;
    try {
      keyId = this.#secretBox.keyIdOf(seal.hashSealed);
      const opened = this.#secretBox.open(seal.hashSealed, sealContext(seal.number));
      this.#readable.add(keyId);
      if (!opened.equals(seal.hash)) this.#break({ kind: 'seal-forged', seal: seal.number });
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error;
      if (keyId === undefined) this.#break({ kind: 'seal-forged', seal: seal.number });
      else this.#unreadable.push({ number: seal.number, keyId });
    }
  }

  /**
   * A seal may be under a key that left the ring, if a later one opens, since that leads over its hash. One under a key
   * that is there, or with nothing after it, was made by somebody else.
   */
  #judgeUnreadable(): number {
    const last = this.#unreadable.at(-1)?.number;
    let unchecked = 0;
    for (const { number, keyId } of this.#unreadable) {
      const keyIsThere = keyId === this.#secretBox.currentKeyId || this.#readable.has(keyId);
      const nothingAfter = number === last && number === this.previous?.number;
      if (keyIsThere || nothingAfter) this.#break({ kind: 'seal-forged', seal: number });
      else unchecked += 1;
    }
    return unchecked;
  }

  async #compareEvents(seal: Seal): Promise<void> {
    const month = this.#months.get(seal.month) ?? { count: 0, present: 0, samples: [] };
    this.#months.set(seal.month, month);
    const events = new Map((await this.#reader.readEvents(seal.eventIds, seal.month)).map((one) => [one.id, one]));
    for (const [index, id] of seal.eventIds.entries()) {
      const event = events.get(id);
      if (event === undefined) {
        month.count += 1;
        if (month.samples.length < mostBreaks) {
          month.samples.push({ kind: 'event-removed', seal: seal.number, event: id });
        }
        continue;
      }
      month.present += 1;
      this.#events += 1;
      const hash = seal.eventHashes.subarray(index * hashBytes, (index + 1) * hashBytes);
      if (hashEvent(event).equals(hash)) this.#notePruned(event);
      else this.#break({ kind: 'event-edited', seal: seal.number, event: id });
    }
  }

  #notePruned(event: ChainedEvent): void {
    if (event.type !== 'audit.pruned') return;
    const { month } = JSON.parse(event.details) as { month?: unknown };
    if (typeof month === 'string') this.#prunedMonths.add(month);
  }

  /** Counting tells whether there is anything to look for; looking costs a pass over the month. */
  async #findInserted(): Promise<void> {
    for (const { month, events, waiting, sealed } of await this.#reader.tally()) {
      const missing = this.#months.get(month)?.count ?? 0;
      if (events === waiting + sealed - missing) continue;
      for (const event of await this.#reader.findStrays(month, mostBreaks)) {
        this.#break({ kind: 'event-inserted', event, month });
      }
    }
  }
}
