import { sql, type Kysely } from 'kysely';
import type { Clock } from '../../clock.ts';
import { newBytes } from '../../crypto/random.ts';
import { createSecretBox, type SecretBox, type SecretContext } from '../../crypto/secret-box.ts';
import type { Tables } from './tables.ts';

/** What is sealed under a person's key; null where the key was destroyed. */
export type PersonBox = SecretBox | null;

const cacheSeconds = 60;
const mostCached = 10_000;
const keyBytes = 32;

/**
 * One key a person, under which their fields in the audit are sealed. Kept opened for a minute, so that a sign-in's
 * events cost no look-up; after an erasure another replica may therefore read for up to a minute more. Share one
 * instance over all transactions.
 */
export class PersonKeys {
  readonly #secretBox: SecretBox;
  readonly #clock: Clock;
  readonly #cache = new Map<string, { readonly box: PersonBox; readonly until: number }>();

  constructor(secretBox: SecretBox, clock: Clock) {
    this.#secretBox = secretBox;
    this.#clock = clock;
  }

  /** The boxes of these subjects, made where there is none. `mine` holds those made in the caller's transaction. */
  async forWriting(
    db: Kysely<Tables>,
    subjects: readonly string[],
    mine: Map<string, PersonBox>,
  ): Promise<ReadonlyMap<string, PersonBox>> {
    const boxes = this.#kept(subjects, mine);
    // Sorted, so that two transactions that need the same keys wait for one another in one order.
    for (const subject of subjects.filter((one) => !boxes.has(one)).sort()) {
      const key = newBytes(keyBytes);
      // One statement: the key that stands, or else the one that is made.
      const { rows } = await sql<{ key_sealed: string | null; made: boolean }>`
        with made as (
          insert into person_keys (subject, key_sealed)
          select ${subject}, ${this.#secretBox.seal(key, personKeyContext(subject))}
          where not exists (select from person_keys where subject = ${subject})
          on conflict (subject) do nothing returning key_sealed)
        select key_sealed, true as made from made
        union all select key_sealed, false from person_keys where subject = ${subject}`.execute(db);
      const row = rows[0];
      if (row === undefined) continue;
      if (!row.made) {
        boxes.set(subject, this.remember(subject, row.key_sealed));
        continue;
      }
      const box = boxOf(key);
      // Not into the cache within a transaction: if that is rolled back, the key never existed.
      if (!db.isTransaction) this.#keep(subject, box, this.#clock.epochSeconds());
      mine.set(subject, box);
      boxes.set(subject, box);
    }
    const lost = subjects.filter((subject) => !boxes.has(subject));
    if (lost.length > 0) for (const [subject, box] of await this.forReading(db, lost, mine)) boxes.set(subject, box);
    return boxes;
  }

  /** A new key of somebody who is being stored, sealed: made with them, it costs their first sign-in nothing. */
  newSealed(subject: string): string {
    return this.#secretBox.seal(newBytes(keyBytes), personKeyContext(subject));
  }

  /** The boxes of these subjects, as far as there are any. */
  async forReading(
    db: Kysely<Tables>,
    subjects: readonly string[],
    mine: ReadonlyMap<string, PersonBox> = new Map(),
  ): Promise<Map<string, PersonBox>> {
    const boxes = this.#kept(subjects, mine);
    const unknown = [...new Set(subjects)].filter((subject) => !boxes.has(subject));
    if (unknown.length === 0) return boxes;
    const rows = await db
      .selectFrom('person_keys')
      .select(['subject', 'key_sealed'])
      .where('subject', '=', sql<string>`any (${unknown})`)
      .execute();
    for (const { subject, key_sealed: sealed } of rows) boxes.set(subject, this.remember(subject, sealed));
    return boxes;
  }

  /** Keeps a committed key that was read beside something else; null where it was destroyed. */
  remember(subject: string, sealed: string | null): PersonBox {
    const now = this.#clock.epochSeconds();
    const kept = this.#cache.get(subject);
    if (sealed !== null && kept !== undefined && kept.box !== null && kept.until > now) return kept.box;
    const box = sealed === null ? null : boxOf(this.#secretBox.open(sealed, personKeyContext(subject)));
    this.#keep(subject, box, now);
    return box;
  }

  /** Those of the boxes that are at hand. */
  #kept(subjects: readonly string[], mine: ReadonlyMap<string, PersonBox>): Map<string, PersonBox> {
    const now = this.#clock.epochSeconds();
    const boxes = new Map<string, PersonBox>();
    for (const subject of subjects) {
      const cached = this.#cache.get(subject);
      const box = mine.get(subject) ?? (cached !== undefined && cached.until > now ? cached.box : undefined);
      if (box !== undefined) boxes.set(subject, box);
    }
    return boxes;
  }

  /** Destroys a person's key: nothing sealed under it can be read again. */
  async destroy(db: Kysely<Tables>, subject: string): Promise<void> {
    await sql`
      insert into person_keys (subject, key_sealed, destroyed_at) values (${subject}, null, now())
      on conflict (subject) do update set key_sealed = null, destroyed_at = now()`.execute(db);
    this.#cache.delete(subject);
  }

  #keep(subject: string, box: PersonBox, now: number): void {
    if (this.#cache.size >= mostCached) {
      const [oldest] = this.#cache.keys();
      if (oldest !== undefined) this.#cache.delete(oldest);
    }
    this.#cache.delete(subject);
    this.#cache.set(subject, { box, until: now + cacheSeconds });
  }
}

function boxOf(key: Uint8Array): SecretBox {
  return createSecretBox([{ id: 'p', key }]);
}

/** What a key of a person is bound to. */
export function personKeyContext(subject: string): SecretContext {
  return { table: 'person_keys', column: 'key_sealed', owner: subject, row: subject };
}
