import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBytes, newId } from '../../src/crypto/random.ts';
import { PostgresExpiryStore } from '../../src/storage/postgres/expiry-store.ts';
import { addUser, databaseKinds, openStores } from '../support/stores.ts';

for (const kind of databaseKinds) {
  test(`D10 removed secrets and old addresses are kept 72 hours for an undo, then destroyed, on ${kind}`, async () => {
    const stores = await openStores(kind);
    try {
      const { inTransaction, database } = stores;
      const { kysely } = database;
      const userId = await addUser(stores);
      const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);
      const ids = [newId(), newId(), newId()] as const;
      await inTransaction(async ({ authenticators, users, notMeLinks }) => {
        for (const id of ids) {
          const secretSealed = newBytes(8).toString('hex');
          const rest = { label: 'x', algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const;
          await authenticators.insertLive({ id, userId, secretSealed, ...rest });
        }
        for (const id of ids.slice(0, 2)) await authenticators.remove(userId, id, 'removed');
        for (const name of ['one', 'two', 'three']) await users.setEmail(userId, `${name}@example.com`, true);
        await notMeLinks.issue('a-hash', userId);
      });
      await kysely
        .updateTable('authenticators')
        .set({ voided_at: hoursAgo(73) })
        .where('id', '=', ids[0])
        .execute();
      await kysely
        .updateTable('previous_addresses')
        .set({ replaced_at: hoursAgo(73) })
        .where('address', '=', 'one@example.com')
        .execute();
      await new PostgresExpiryStore(kysely).sweep(100);
      const kept = await kysely.selectFrom('authenticators').select('id').execute();
      assert.deepEqual(kept.map(({ id }) => id).toSorted(), ids.slice(1).toSorted());
      const addresses = await kysely.selectFrom('previous_addresses').select('address').execute();
      assert.deepEqual(
        addresses.map(({ address }) => address),
        ['two@example.com'],
      );
    } finally {
      await stores.close();
    }
  });
}
