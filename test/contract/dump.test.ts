import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { writeDump } from '../../src/storage/postgres/dump.ts';
import { databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

for (const kind of databaseKinds) {
  describe(`a dump of ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    test('is written once, whatever fault ends it: what is written cannot be taken back', async () => {
      let begun = 0;
      const dumped = writeDump(
        stores.database.kysely,
        async () => {
          begun += 1;
        },
        () => Promise.reject(Object.assign(new Error('as the victim of a deadlock'), { code: '40P01' })),
      );
      await assert.rejects(dumped, { code: 'store_unavailable' });
      assert.equal(begun, 1);
    });
  });
}
