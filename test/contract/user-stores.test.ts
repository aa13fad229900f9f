import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Proof } from '../../src/domain/proof.ts';
import { hashToken, newId, newToken } from '../../src/crypto/random.ts';
import { Conflict } from '../../src/errors.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

const parallel = 50;
const times = <Result>(count: number, work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

for (const kind of databaseKinds) {
  describe(`stores of people on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    const insert = (username: string, email: string | null) =>
      stores.inTransaction(({ users }) =>
        users.insert({
          id: newId(),
          username,
          email,
          emailVerified: false,
          passwordHash: null,
          roles: [],
          claims: {},
          locale: null,
        }),
      );

    test('H16 a name is one person’s, in whatever case, and nobody’s name is another’s address', async () => {
      const name = `Ada-${newId().slice(0, 8)}`;
      await insert(name, `${name}@example.com`);
      await assert.rejects(insert(name.toUpperCase(), null), Conflict);
      await assert.rejects(insert(`${name}@EXAMPLE.com`, null), Conflict);
      await assert.rejects(insert(`other-${name}`, `${name}@example.com`), Conflict);
      const found = await stores.inTransaction(({ users }) => users.findByLogin(`${name.toUpperCase()}@example.COM`));
      assert.equal(found?.username, name);
    });

    test('of twenty parallel sign-ups with one name one wins', async () => {
      const name = newId();
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => insert(name, null)));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Conflict);
    });

    test('B10 fifty parallel wrong passwords count fifty, and a new password forgets them', async () => {
      const userId = await addUser(stores);
      const counted = await times(parallel, () =>
        stores.inTransaction(({ users }) => users.countWrongPassword(userId)),
      );
      assert.equal(Math.max(...counted), parallel);
      assert.equal(new Set(counted).size, parallel);
      await stores.inTransaction(({ users }) => users.setPassword(userId, 'hash'));
      assert.equal(await stores.inTransaction(({ users }) => users.countWrongPassword(userId)), 1);
    });

    test('a dearer hash never takes the place of a password set meanwhile', async () => {
      const userId = await addUser(stores);
      await stores.inTransaction(({ users }) => users.setPassword(userId, 'new'));
      assert.equal(await stores.inTransaction(({ users }) => users.replaceHash(userId, 'old', 'dearer')), false);
      const won = await times(parallel, (n) =>
        stores.inTransaction(({ users }) => users.replaceHash(userId, 'new', `dearer ${n}`)),
      );
      assert.equal(won.filter(Boolean).length, 1);
    });

    test('every change of the password and every end of all sessions brings another security stamp', async () => {
      const [userId, other] = [await addUser(stores), await addUser(stores)];
      const stampOf = async (id: string): Promise<string> =>
        (await stores.inTransaction(({ users }) => users.find(id)))?.securityStamp ?? '';
      const seen = [await stampOf(userId)];
      const others = await stampOf(other);
      await stores.inTransaction(({ users }) => users.setPassword(userId, 'hash'));
      seen.push(await stampOf(userId));
      await stores.inTransaction(({ users }) => users.voidPassword(userId));
      seen.push(await stampOf(userId));
      const { securityStamp } = await stores.inTransaction(({ sessions }) => sessions.endAll(userId, 'account'));
      assert.equal(await stampOf(userId), securityStamp);
      seen.push(securityStamp);
      assert.equal(new Set(seen).size, 4);
      const holds = (proof: Proof) =>
        stores
          .inTransaction(({ holdProof }) => holdProof(userId, proof))
          .then(
            () => true,
            (error: { code?: string }) => error.code !== 'sign_in_gone' && assert.fail('another fault'),
          );
      const stands = await Promise.all(seen.map((one) => holds({ securityStamp: one })));
      assert.deepEqual(stands, [false, false, false, true]);
      assert.equal(await stampOf(other), others);
      const [own, foreign] = [newToken(), newToken()];
      await stores.inTransaction(async ({ sessions }) => {
        const payload = { accountId: userId };
        const rest = { origin: { address: '', userAgent: '' }, lifetimeSeconds: 60 };
        const session = { uid: own, userId, payload, authorizations: {} };
        await sessions.save({ ...rest, idHash: hashToken(own), session });
        await sessions.save({
          ...rest,
          idHash: hashToken(others),
          session: { ...session, uid: others, userId: other },
        });
      });
      const ofSessions = [{ sessionUid: own }, { sessionUid: foreign }, { sessionUid: newToken() }];
      assert.deepEqual(await Promise.all(ofSessions.map(holds)), [true, false, false]);
      await stores.inTransaction(({ sessions }) => sessions.end(own, 'account'));
      assert.equal(await holds({ sessionUid: own }), false);
      await stores.inTransaction(({ users }) => users.setDisabled(userId, true));
      await stores.inTransaction(({ users }) => users.setDisabled(userId, false));
      assert.equal(await holds({ securityStamp }), false);
      assert.equal((await stores.inTransaction(({ users }) => users.find(userId)))?.passwordHash, null);
    });

    test('half-way sign-ins of everybody end page by page, and nobody is left out', async () => {
      const people = await times(5, () => addUser(stores));
      const stampsOf = () => stores.inTransaction(({ users }) => Promise.all(people.map((id) => users.find(id))));
      const before = await stampsOf();
      const seen: string[] = [];
      for (let after: string | undefined; ;) {
        const { last, inUse } = await stores.inTransaction(({ sessions }) => sessions.endHalfway(2, after));
        assert.deepEqual(inUse, []);
        if (last === undefined) break;
        seen.push(last);
        after = last;
      }
      assert.ok(seen.length >= 3);
      assert.deepEqual(
        seen,
        seen.toSorted((one, other) => (one < other ? -1 : 1)),
      );
      const after = await stampsOf();
      after.forEach((user, at) => assert.notEqual(user?.securityStamp, before[at]?.securityStamp));
      await stores.inTransaction(({ sessions }) => sessions.endHalfwayOf(people.slice(0, 1)));
      const last = await stampsOf();
      assert.notEqual(last[0]?.securityStamp, after[0]?.securityStamp);
      assert.equal(last[1]?.securityStamp, after[1]?.securityStamp);
    });

    test('C18 of fifty parallel uses of a link one wins; looking uses nothing, and a purpose serves no other', async () => {
      const userId = await addUser(stores);
      const token = hashToken(newToken());
      await stores.inTransaction(({ links }) => links.issue(token, { purpose: 'recovery', userId }, 600));
      const peek = () => stores.inTransaction(({ links }) => links.peek(token, ['recovery']));
      await times(10, peek);
      assert.equal((await peek())?.userId, userId);
      assert.equal(await stores.inTransaction(({ links }) => links.use(token, ['activation'])), undefined);
      const won = await times(parallel, () => stores.inTransaction(({ links }) => links.use(token, ['recovery'])));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await peek(), undefined);
    });

    test('an expired link opens nothing, and a new password voids those of before', async () => {
      const userId = await addUser(stores);
      const [expired, open] = [hashToken(newToken()), hashToken(newToken())];
      await stores.inTransaction(async ({ links }) => {
        await links.issue(expired, { purpose: 'recovery', userId }, 0);
        await links.issue(open, { purpose: 'recovery', userId }, 600);
      });
      assert.equal(await stores.inTransaction(({ links }) => links.use(expired, ['recovery'])), undefined);
      await stores.inTransaction(({ links }) => links.voidAll(userId));
      assert.equal(await stores.inTransaction(({ links }) => links.use(open, ['recovery'])), undefined);
    });

    test('B11 a browser is known for the person it is bound to alone, until it is forgotten', async () => {
      const [userId, other] = [await addUser(stores), await addUser(stores)];
      const token = hashToken(newToken());
      await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.insert(token, userId, 'test'));
      const isKnown = (who: string) => stores.inTransaction(({ knownBrowsers }) => knownBrowsers.isKnown(token, who));
      assert.equal(await isKnown(userId), true);
      assert.equal(await isKnown(other), false);
      assert.equal(await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.renew(token, other)), false);
      await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.forgetAll(userId));
      assert.equal(await isKnown(userId), false);
      assert.equal(await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.renew(token, userId)), false);
    });

    test('looking at a known browser does not prolong it; a complete sign-in does', async () => {
      const userId = await addUser(stores);
      const token = hashToken(newToken());
      await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.insert(token, userId, 'test'));
      const soon = new Date(Date.now() + 3600_000);
      await stores.database.kysely
        .updateTable('known_browsers')
        .set({ expires_at: soon })
        .where('token_hash', '=', token)
        .execute();
      const expiry = async (): Promise<number> => {
        const row = await stores.database.kysely
          .selectFrom('known_browsers')
          .select('expires_at')
          .where('token_hash', '=', token)
          .executeTakeFirstOrThrow();
        return row.expires_at.getTime();
      };
      await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.isKnown(token, userId));
      assert.equal(await expiry(), soon.getTime());
      assert.equal(await stores.inTransaction(({ knownBrowsers }) => knownBrowsers.renew(token, userId)), true);
      assert.ok((await expiry()) > soon.getTime() + 80 * 86_400_000);
    });
  });
}
