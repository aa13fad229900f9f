import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { newId } from '../../src/crypto/random.ts';
import { createInOneTrip, createInTransaction, guarded, openDatabase } from '../../src/storage/postgres/database.ts';
import type { Tables } from '../../src/storage/postgres/tables.ts';
import type { InTransaction } from '../../src/transaction.ts';
import { freshDatabase } from '../support/database.ts';
import { databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

for (const kind of databaseKinds) {
  describe(`a transaction's statements on ${kind}`, () => {
    let stores: OpenedStores;
    let inTransaction: InTransaction<Kysely<Tables>>;
    before(async () => {
      stores = await openStores(kind);
      inTransaction = createInTransaction(stores.database.kysely, (db) => db);
    });
    after(() => stores.close());

    const insert = (db: Kysely<Tables>, subject: string) =>
      sql`insert into person_keys (subject, key_sealed) values (${subject}, 'sealed')`.execute(db);
    const keys = async (): Promise<string[]> => {
      const rows = await stores.database.kysely
        .selectFrom('person_keys')
        .select('subject')
        .orderBy('subject')
        .execute();
      return rows.map(({ subject }) => subject);
    };

    test('that are asked for at once go out before the first is answered, and are done in that order', async (t) => {
      const seen: string[] = [];
      const counts = await inTransaction(async (db) => {
        // A driver that notes what it sends; it goes on as it is.
        const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
        t.mock.method(pg.Client.prototype, 'query', function (this: pg.Client, ...given: unknown[]) {
          if (JSON.stringify(given).includes('in_order')) seen.push('sent');
          return query.apply(this, given) as never;
        });
        const ask = async (n: number): Promise<string | undefined> => {
          const { rows } = await sql<{ in_order: string }>`
            with made as (insert into person_keys (subject, key_sealed) values (${`in order ${n}`}, 'sealed'))
            select count(*) as in_order from person_keys where subject like 'in order %'`.execute(db);
          seen.push('answered');
          return rows[0]?.in_order;
        };
        const answers = await Promise.all([ask(1), ask(2), ask(3)]);
        t.mock.restoreAll();
        return answers;
      });
      assert.deepEqual(seen, ['sent', 'sent', 'sent', 'answered', 'answered', 'answered']);
      assert.deepEqual(counts, ['0', '1', '2']);
    });

    test('are all undone by a fault of one that was asked for beside them', async () => {
      const before = await keys();
      const refused = inTransaction((db) =>
        Promise.all([insert(db, 'first'), sql`select 1 / 0`.execute(db), insert(db, 'third')]),
      );
      await assert.rejects(refused, /another request was first/);
      assert.deepEqual(await keys(), before);
    });

    test('are undone and harm nobody after them as well where the connection has known them long since', async () => {
      const count = (db: Kysely<Tables>, like: string) =>
        sql<{ found: number }>`select count(*)::int as found from person_keys where subject like ${like}`.execute(db);
      const divide = (db: Kysely<Tables>, by: number) =>
        sql<{ quotient: number }>`select 12 / ${by}::int as quotient`.execute(db);
      for (let round = 0; round < 30; round += 1) {
        const subject = `known ${kind} ${round}`;
        const [, inserted, quotient] = await inTransaction((db) =>
          Promise.all([insert(db, subject), count(db, `known ${kind} %`), divide(db, 4)]),
        );
        assert.deepEqual([inserted.rows, quotient.rows], [[{ found: round + 1 }], [{ quotient: 3 }]]);
        const settled: unknown[] = [];
        const refused = inTransaction((db) =>
          Promise.all(
            [insert(db, `${subject} undone`), divide(db, 0), insert(db, `${subject} too`)].map(async (one) =>
              one.catch((error: unknown) => {
                settled.push(error);
                throw error;
              }),
            ),
          ),
        );
        await assert.rejects(refused, /another request was first/);
        assert.ok(settled.length >= 2, 'whoever asked after the fault is told, and not left waiting');
        assert.deepEqual((await count(stores.database.kysely, '%undone')).rows, [{ found: 0 }]);
        assert.deepEqual((await count(stores.database.kysely, '%too')).rows, [{ found: 0 }]);
      }
    });

    test('fail for the reason of the first of them that fails, also where the connection never saw them', async () => {
      for (let round = 0; round < 10; round += 1) {
        const unseen = sql.raw(`/* ${newId()} */ `);
        const failing = inTransaction((db) =>
          Promise.all([
            sql`${unseen} select 12 / ${0}::int`.execute(db),
            sql`${unseen} select ${'not a uuid'}::uuid`.execute(db),
            insert(db, 'never'),
          ]),
        );
        await assert.rejects(failing, { code: 'lost_race' });
      }
    });

    test('are refused once it has ended: outside it they would stay', async () => {
      const before = await keys();
      let late: Promise<unknown> | undefined;
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      const refused = inTransaction((db) => {
        late = ended.then(() => insert(db, 'late'));
        return Promise.all([sql`select 1 / 0`.execute(db), late]);
      });
      await assert.rejects(refused, /another request was first/);
      end();
      assert.ok(late);
      await assert.rejects(late, /transaction had ended|already rolled back/);
      assert.deepEqual(await keys(), before);
    });

    test('in one trip are all done, or none where one of them or the work itself fails, and nothing follows', async () => {
      const inOneTrip = createInOneTrip(stores.database.kysely, (db) => db);
      const divide = (db: Kysely<Tables>, by: number) =>
        sql<{ quotient: number }>`select 12 / ${by}::int as quotient`.execute(db);
      for (let round = 0; round < 30; round += 1) {
        const subject = `one trip ${round}.`;
        const [, { rows }] = await inOneTrip((db) => Promise.all([insert(db, `${subject}kept`), divide(db, 4)]));
        assert.deepEqual(rows, [{ quotient: 3 }]);
        const lost = inOneTrip((db) =>
          Promise.all([insert(db, `${subject}lost`), divide(db, 0), insert(db, `${subject}too`)]),
        );
        await assert.rejects(lost, { code: 'lost_race' });
        const doubled = inOneTrip((db) => Promise.all([insert(db, `${subject}lost`), insert(db, `${subject}kept`)]));
        await assert.rejects(doubled, /duplicate key/);
        const broken = inOneTrip(async (db) => {
          const asked = insert(db, `${subject}broken`);
          asked.catch(() => undefined);
          await Promise.reject(new Error('before it is sent'));
        });
        await assert.rejects(broken, /before it is sent/);
        // The embedded database may have answered before COMMIT was asked for.
        if (!stores.database.embedded) {
          const late = inOneTrip(async (db) => {
            await divide(db, 4);
            await insert(db, `${subject}late`);
          });
          await assert.rejects(late, /after its transaction was sent/);
        }
        const kept = (await keys()).filter((one) => one.startsWith(subject));
        assert.deepEqual(kept, [`${subject}kept`]);
      }
    });

    test('are asked again after a migration changed what a prepared one answers', async () => {
      const { kysely } = stores.database;
      const table = sql.raw(`migrated_${newId().replaceAll('-', '_')}`);
      await sql`create table ${table} (one int)`.execute(kysely);
      await sql`insert into ${table} values (1)`.execute(kysely);
      const read = (db: Kysely<Tables>) => sql<object>`select * from ${table} where one = ${1}::int`.execute(db);
      const inOneTrip = createInOneTrip(kysely, (db) => db);
      const both = () => inOneTrip((db) => Promise.all([read(db), read(db)]));
      const alone = () => guarded(() => read(kysely));
      for (const ask of [both, both, alone, alone]) await ask();
      await sql`alter table ${table} add column two int`.execute(kysely);
      assert.deepEqual((await alone()).rows, [{ one: 1, two: null }]);
      for (const { rows } of await both()) assert.deepEqual(rows, [{ one: 1, two: null }]);
      await sql`alter table ${table} add column three int`.execute(kysely);
      for (const { rows } of await both()) assert.deepEqual(rows, [{ one: 1, two: null, three: null }]);
    });

    test('are all undone by one with a value that cannot be sent, whether the connection knows them or not', async () => {
      const inOneTrip = createInOneTrip(stores.database.kysely, (db) => db);
      const circular: { self?: unknown } = {};
      circular.self = circular;
      for (let round = 0; round < 8; round += 1) {
        const subject = `unsendable ${round}.`;
        const unseen = round % 2 === 0 ? sql.raw(`/* ${newId()} */ `) : sql``;
        const add = (db: Kysely<Tables>, name: unknown) =>
          sql`${unseen} insert into person_keys (subject, key_sealed) values (${name}, 'sealed')`.execute(db);
        for (const inside of [inOneTrip, inTransaction]) {
          const broken = inside((db) =>
            Promise.all([add(db, `${subject}before`), add(db, circular), add(db, `${subject}after`)]),
          );
          await assert.rejects(broken, /circular/);
        }
        await inOneTrip((db) => Promise.all([add(db, `${subject}next`), add(db, `${subject}too`)]));
        const kept = (await keys()).filter((one) => one.startsWith(subject));
        assert.deepEqual(kept, [`${subject}next`, `${subject}too`]);
      }
    });
  });
}

// The embedded database has no limit of time.
test('a trip on PostgreSQL has the time of each of its statements together', async () => {
  const nap = (db: Kysely<Tables>) => sql`select pg_sleep(${0.5}::double precision)`.execute(db);
  const fresh = await freshDatabase();
  const database = await openDatabase({
    url: fresh.url,
    poolSize: 1,
    connectionTimeoutMilliseconds: 5000,
    // Half a second more is the driver's own limit.
    statementTimeoutMilliseconds: 900,
    lockTimeoutMilliseconds: 900,
  });
  try {
    const inOneTrip = createInOneTrip(database.kysely, (db) => db);
    // The connection's first of them, and those that it knows.
    for (let time = 0; time < 2; time += 1) {
      await inOneTrip((db) => Promise.all([nap(db), nap(db), nap(db), nap(db)]));
    }
  } finally {
    await database.close();
    await fresh.drop();
  }
});
