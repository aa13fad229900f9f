import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createSweep } from '../../src/operations/expiry-store.ts';
import { PostgresExpiryStore } from '../../src/storage/postgres/expiry-store.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

for (const kind of databaseKinds) {
  describe(`sweeping on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    const sweep = (most?: number) => createSweep(new PostgresExpiryStore(stores.database.kysely), most)();
    const count = async (condition: string): Promise<number> => {
      const { rows } = await sql<{ n: string }>`select count(*) as n from ${sql.raw(condition)}`.execute(
        stores.database.kysely,
      );
      return Number(rows[0]?.n);
    };

    test('F10 a session whose time is over ends, and its relying parties are told once', async () => {
      const { kysely } = stores.database;
      const userId = await addUser(stores);
      await sql`insert into relying_parties (client_id, metadata)
        values ('swept', '{"backchannel_logout_uri":"https://rp.example/logout"}') on conflict do nothing`.execute(
        kysely,
      );
      await sql`insert into sessions (uid, user_id, payload, authorizations, expires_at)
        values ('over', ${userId}, '{}', '{"swept":{"sid":"the-sid"}}', now() - interval '1 second'),
               ('live', ${userId}, '{}', '{"swept":{"sid":"other"}}', now() + interval '1 hour')`.execute(kysely);
      await Promise.all([sweep(), sweep(), sweep()]);
      assert.equal(await count("sessions where uid = 'over' and end_reason = 'expired'"), 1);
      assert.equal(await count("sessions where uid = 'live' and ended_at is null"), 1);
      assert.equal(await count("outbox where channel = 'logout' and payload ->> 'sid' = 'the-sid'"), 1);
    });

    test('removes what is over in bounded pieces, and nothing that somebody may still use', async () => {
      const { kysely } = stores.database;
      await sql`insert into used_once (kind, id_hash, expires_at)
        select 'replay', 'over-' || n, now() - interval '1 second' from generate_series(1, 57) n`.execute(kysely);
      await sql`insert into used_once (kind, id_hash, expires_at)
        values ('replay', 'live', now() + interval '1 hour')`.execute(kysely);
      assert.ok((await sweep(10)) >= 57);
      assert.equal(await count('used_once'), 1);
    });
  });
}
