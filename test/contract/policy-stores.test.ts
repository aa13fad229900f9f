import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hashToken, newId, newToken } from '../../src/crypto/random.ts';
import type { PolicyRule } from '../../src/domain/policy.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

const optional: PolicyRule = { secondFactor: 'optional', graceDays: 0, acrValues: [], trustedBrowserDays: null };
const required: PolicyRule = { ...optional, secondFactor: 'required', graceDays: 7, acrValues: ['urn:x'] };

for (const kind of databaseKinds) {
  describe(`policies and trusted browsers on ${kind}`, () => {
    let opened: OpenedStores;
    before(async () => {
      opened = await openStores(kind);
    });
    after(() => opened.close());

    test('what the settings file says is made so, and an operator wins over it for good', () =>
      opened.inTransaction(async ({ policies }) => {
        assert.equal(await policies.seed('client:a', optional), true);
        assert.equal(await policies.seed('client:a', optional), false, 'nothing changed');
        assert.equal(await policies.seed('client:a', required), true);
        assert.deepEqual((await policies.find('client:a'))?.rule, required);
        const put = await policies.put('client:a', optional);
        assert.deepEqual([put.source, put.version], ['operator', 3]);
        assert.equal(await policies.seed('client:a', required), false);
        assert.equal(await policies.remove('client:a'), true);
        assert.equal(await policies.remove('client:a'), false);
        assert.equal(await policies.seed('client:a', required), false, 'what was removed stays removed');
        assert.deepEqual(await policies.findAll(['client:a', 'default']), []);
        await policies.seed('client:b', required);
        await policies.put('client:c', optional);
        assert.deepEqual(await policies.unseed([]), ['client:b']);
        assert.deepEqual(
          (await policies.list()).map(({ key }) => key),
          ['client:c'],
        );
      }));

    test('grace begins once, whoever asks and however often', async () => {
      const userId = await addUser(opened);
      const begin = (iso: string) => opened.inTransaction(({ graces }) => graces.begin(userId, new Date(iso)));
      assert.equal((await begin('2026-01-01T00:00:00Z')).toISOString(), '2026-01-01T00:00:00.000Z');
      const answers = await Promise.all([begin('2026-02-01T00:00:00Z'), begin('2026-03-01T00:00:00Z')]);
      for (const at of answers) assert.equal(at.toISOString(), '2026-01-01T00:00:00.000Z');
    });

    test('F15 a trusted browser is found for its person alone, until it ends', async () => {
      const [owner, other] = [await addUser(opened), await addUser(opened)];
      const { hash, now } = await trust(owner);
      await opened.inTransaction(async ({ trustedBrowsers }) => {
        const found = await trustedBrowsers.find(hash, owner, now);
        assert.ok(found);
        assert.equal(await trustedBrowsers.find(hash, other, now), undefined);
        assert.equal(await trustedBrowsers.find(hash, owner, found.expiresAt), undefined);
        assert.equal(await trustedBrowsers.remove(other, found.id), false);
        assert.equal(await trustedBrowsers.remove(owner, found.id), true);
      });
    });

    test('F15 trust ends with the password, however that is set or made void', async () => {
      for (const end of ['setPassword', 'voidPassword'] as const) {
        const userId = await addUser(opened);
        const { hash, now } = await trust(userId);
        await opened.inTransaction(({ users }) => users[end](userId, 'x'));
        const found = await opened.inTransaction(({ trustedBrowsers }) => trustedBrowsers.find(hash, userId, now));
        assert.equal(found, undefined, end);
      }
    });

    test('F15 trust ends with the last authenticator and not before', async () => {
      const userId = await addUser(opened);
      const ids = [newId(), newId()];
      const common = { userId, label: '', secretSealed: 'x', algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const;
      await opened.inTransaction(async ({ authenticators }) => {
        for (const id of ids) await authenticators.insertLive({ id, ...common });
      });
      const { hash, now } = await trust(userId);
      const isTrusted = () =>
        opened.inTransaction(
          async ({ trustedBrowsers }) => (await trustedBrowsers.find(hash, userId, now)) !== undefined,
        );
      await opened.inTransaction(({ authenticators }) => authenticators.remove(userId, ids[0] ?? '', 'removed'));
      assert.equal(await isTrusted(), true);
      await opened.inTransaction(({ authenticators }) => authenticators.remove(userId, ids[1] ?? '', 'removed'));
      assert.equal(await isTrusted(), false);
    });

    async function trust(userId: string) {
      const now = new Date();
      const hash = hashToken(newToken());
      const expiresAt = new Date(now.getTime() + 30 * 86_400_000);
      const browser = { id: newId(), tokenHash: hash, userId, clientId: 'rp', userAgent: 'x', address: '192.0.2.1' };
      await opened.inTransaction(({ trustedBrowsers }) =>
        trustedBrowsers.insert({ ...browser, trustedAt: now, expiresAt }),
      );
      return { hash, now };
    }
  });
}
