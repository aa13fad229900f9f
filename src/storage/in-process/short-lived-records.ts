import type { Clock } from '../../clock.ts';
import { StoreUnavailable } from '../../errors.ts';
import type { ShortLivedRecords } from '../../short-lived-records.ts';

interface Entry {
  readonly value: string;
  readonly expiresAt: number;
}

/** Full means that strangers start more than people finish: new ones are refused, what is there stays. */
const mostEntries = 200_000;

export class InProcessShortLivedRecords implements ShortLivedRecords {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async create(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean> {
    if (this.#get(kind, id) !== undefined) return false;
    this.#set(kind, id, value, ttlSeconds);
    return true;
  }

  async replace(kind: string, id: string, value: string, ttlSeconds: number): Promise<boolean> {
    if (this.#get(kind, id) === undefined) return false;
    this.#set(kind, id, value, ttlSeconds);
    return true;
  }

  async put(kind: string, id: string, value: string, ttlSeconds: number): Promise<void> {
    this.#set(kind, id, value, ttlSeconds);
  }

  async read(kind: string, id: string): Promise<string | undefined> {
    return this.#get(kind, id);
  }

  async take(kind: string, id: string): Promise<string | undefined> {
    const value = this.#get(kind, id);
    this.#entries.delete(keyOf(kind, id));
    return value;
  }

  async remove(kind: string, id: string): Promise<void> {
    this.#entries.delete(keyOf(kind, id));
  }

  #get(kind: string, id: string): string | undefined {
    const key = keyOf(kind, id);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt > this.#clock.epochMilliseconds()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  #set(kind: string, id: string, value: string, ttlSeconds: number): void {
    const key = keyOf(kind, id);
    if (this.#entries.size >= mostEntries && !this.#entries.has(key)) {
      this.#dropExpired();
      if (this.#entries.size >= mostEntries) throw new StoreUnavailable('too many sign-ins are under way');
    }
    this.#entries.set(key, { value, expiresAt: this.#clock.epochMilliseconds() + ttlSeconds * 1000 });
  }

  #dropExpired(): void {
    const now = this.#clock.epochMilliseconds();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
  }
}

/** No kind holds a NUL, so no id can reach into another kind. */
function keyOf(kind: string, id: string): string {
  return `${kind}\0${id}`;
}
