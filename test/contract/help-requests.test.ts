import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { InProcessAttemptStore } from '../../src/storage/in-process/attempt-store.ts';
import { createHelpRequests } from '../../src/users/help-requests.ts';
import { addUser, databaseKinds, openStores, testContext, type OpenedStores } from '../support/stores.ts';

for (const kind of databaseKinds) {
  describe(`requests for help on ${kind}`, () => {
    let stores: OpenedStores;
    let help: ReturnType<typeof createHelpRequests>;
    before(async () => {
      stores = await openStores(kind);
      const attempts = new InProcessAttemptStore(systemClock);
      help = createHelpRequests({ inTransaction: stores.inTransaction, attempts });
    });
    after(() => stores.close());
    const from = (address: string) => ({ ...testContext, address });

    test('operators see who asks, oldest first, until somebody answers, once', async () => {
      const userId = await addUser(stores, 'Ada');
      await help.request({ login: ' ADA ', message: 'ring 555\u0007\nplease' }, from('192.0.2.1'));
      await help.request({ login: 'nobody', message: '' }, from('192.0.2.1'));
      const [waiting, ...others] = await help.list({ open: true }, 10);
      assert.ok(waiting !== undefined);
      assert.deepEqual(others, []);
      assert.equal(waiting.userId, userId);
      assert.equal(waiting.message, 'ring 555 \nplease');
      const answered = await help.answer(waiting.id, 'called back', 'operator', testContext);
      assert.equal(answered.answeredBy, 'operator');
      await assert.rejects(help.answer(waiting.id, 'again', 'operator', testContext), { code: 'already_answered' });
      await assert.rejects(help.answer('not-an-id', 'again', 'operator', testContext), { status: 404 });
      assert.deepEqual(await help.list({ open: true }, 10), []);
      assert.deepEqual(
        (await help.list({ userId, open: false }, 10)).map(({ answer }) => answer),
        ['called back'],
      );
    });

    test('H22 a stranger cannot fill the list in the name of somebody', async () => {
      const userId = await addUser(stores, 'grace');
      for (let at = 0; at < 30; at += 1) {
        await help.request({ login: 'grace', message: `${at}` }, from(`198.51.100.${at}`));
      }
      const rows = await help.list({ userId }, 100);
      assert.equal(rows.length, 3);
      const [first] = rows;
      assert.deepEqual(
        (await help.list({ userId, after: first?.id }, 100)).map(({ message }) => message),
        ['1', '2'],
      );
    });

    test('an address that stood lately can be taken by nobody else', async () => {
      const owner = await addUser(stores);
      const { kysely } = stores.database;
      await kysely
        .updateTable('users')
        .set({ email: 'Old@example.com', email_verified: true })
        .where('id', '=', owner)
        .execute();
      await kysely.updateTable('users').set({ email: 'new@example.com' }).where('id', '=', owner).execute();
      await assert.rejects(addUser(stores, 'old@example.com'), { code: 'login_taken' });
    });
  });
}
