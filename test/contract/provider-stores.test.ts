import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newId, newToken, hashToken } from '../../src/crypto/random.ts';
import { Conflict } from '../../src/errors.ts';
import type { Issued, SavedGrant } from '../../src/provider/stores.ts';
import { createWriteIssued } from '../../src/storage/postgres/issued-store.ts';
import { markAnswered } from '../../src/storage/postgres/mark-answered.ts';
import { PostgresUsedOnceStore } from '../../src/storage/postgres/used-once-store.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

const parallel = 50;
const times = <Result>(count: number, work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));
const origin = { address: '192.0.2.1', userAgent: 'test' };

for (const kind of databaseKinds) {
  describe(`stores of the engine on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    const session = (uid: string, userId: string | null, clients: Record<string, unknown> = {}) => ({
      uid,
      userId,
      payload: { uid, accountId: userId, at: newId() },
      authorizations: clients,
    });
    const save = (idHash: string, record: ReturnType<typeof session>, lifetime = 600) =>
      stores.inTransaction(({ sessions }) =>
        sessions.save({ idHash, session: record, origin, lifetimeSeconds: lifetime }),
      );
    const find = (idHash: string, idle = 3600) => stores.inTransaction(({ sessions }) => sessions.find(idHash, idle));
    const end = (uid: string) => stores.inTransaction(({ sessions }) => sessions.end(uid, 'sign-out'));

    test('F05 no save that races an end revives the session', async () => {
      const userId = await addUser(stores);
      for (let round = 0; round < 5; round += 1) {
        const [uid, id] = [newToken(), hashToken(newToken())];
        await save(id, session(uid, userId));
        const [, ends] = await Promise.all([
          times(parallel, () => save(id, session(uid, userId))),
          times(3, () => end(uid)),
        ]);
        assert.equal(ends.filter(Boolean).length, 1, 'one end is the one that ended it');
        assert.equal(await find(id), undefined);
        await save(hashToken(newToken()), session(uid, userId));
        assert.equal(await stores.inTransaction(({ sessions }) => sessions.findByUid(uid)), undefined);
      }
    });

    test('many saves of one session at a time never fail for being many', async () => {
      const userId = await addUser(stores);
      for (let round = 0; round < 20; round += 1) {
        const [uid, id] = [newToken(), hashToken(newToken())];
        const clients = (n: number) => ({ [`client-${n}`]: { sid: `${n}`.repeat(200) } });
        await times(20, (n) => save(id, session(uid, userId, clients(n))));
        assert.equal(Object.keys((await find(id))?.authorizations ?? {}).length, 20);
      }
    });

    test('parallel saves keep every relying party’s part', async () => {
      const userId = await addUser(stores);
      const [uid, id] = [newToken(), hashToken(newToken())];
      await save(id, session(uid, userId));
      await times(20, (n) => save(id, session(uid, userId, { [`client-${n}`]: { sid: `${n}` } })));
      assert.equal(Object.keys((await find(id))?.authorizations ?? {}).length, 20);
    });

    test('F01 after a rotation the old id is dead, and a late save under it changes neither id nor person', async () => {
      const userId = await addUser(stores);
      const [uid, old, fresh] = [newToken(), hashToken(newToken()), hashToken(newToken())];
      await save(old, session(uid, null));
      await stores.inTransaction(({ sessions }) => sessions.forgetId(old));
      await save(fresh, session(uid, userId));
      await save(old, session(uid, null, { late: { sid: 'x' } }));
      assert.equal(await find(old), undefined);
      const found = await find(fresh);
      assert.equal(found?.userId, userId);
      assert.deepEqual(Object.keys(found?.authorizations ?? {}), ['late']);
    });

    test('F04 an idle or expired session is not found', async () => {
      const userId = await addUser(stores);
      const id = hashToken(newToken());
      await save(id, session(newToken(), userId));
      assert.equal(await find(id, 0), undefined);
      const gone = hashToken(newToken());
      await save(gone, session(newToken(), userId), 0);
      assert.equal(await find(gone), undefined);
    });

    test('ending all of a person spares the excepted one and everybody else’s', async () => {
      const [userId, other] = [await addUser(stores), await addUser(stores)];
      const kept = newToken();
      const ids = [hashToken(newToken()), hashToken(newToken()), hashToken(newToken()), hashToken(newToken())] as const;
      await save(ids[0], session(kept, userId));
      await save(ids[1], session(newToken(), userId));
      await save(ids[2], session(newToken(), userId));
      await save(ids[3], session(newToken(), other));
      const { count } = await stores.inTransaction(({ sessions }) => sessions.endAll(userId, 'account', kept));
      assert.equal(count, 2);
      const left = await times(4, async (n) => (await find(ids[n] ?? '')) !== undefined);
      assert.deepEqual(left, [true, false, false, true]);
      const nobodys = stores.inTransaction(({ sessions }) => sessions.endAll(newId(), 'account'));
      await assert.rejects(nobodys, { code: 'not_found' });
    });

    async function grantWithToken(): Promise<{ grantId: string; idHash: string; uid: string; userId: string }> {
      const userId = await addUser(stores);
      const [grantId, uid, idHash] = [newToken(), newToken(), hashToken(newToken())];
      await save(hashToken(newToken()), session(uid, userId));
      await stores.inTransaction(async ({ tokens }) => {
        await tokens.saveGrant({ id: grantId, userId, clientId: 'rp', payload: {}, lifetimeSeconds: 600 });
        const record = { idHash, kind: 'AuthorizationCode', grantId, sessionUid: uid, offline: false };
        await tokens.save({ ...record, payloadSealed: 'sealed' }, 60);
      });
      return { grantId, idHash, uid, userId };
    }
    const findToken = (idHash: string) =>
      stores.inTransaction(({ tokens }) => tokens.find('AuthorizationCode', idHash));

    test('E04 of fifty parallel consumes of one code one wins, and no later save clears it', async () => {
      const { grantId, idHash, uid } = await grantWithToken();
      const won = await times(parallel, () =>
        stores.inTransaction(({ tokens }) => tokens.consume('AuthorizationCode', idHash)),
      );
      assert.equal(won.filter(Boolean).length, 1);
      const record = { idHash, kind: 'AuthorizationCode', grantId, sessionUid: uid, offline: false };
      await stores.inTransaction(({ tokens }) => tokens.save({ ...record, payloadSealed: 'again' }, 60));
      assert.ok((await findToken(idHash))?.consumedAt);
    });

    test('many answers are marked at once: each token of that kind with its own moment, and no other', async () => {
      const [one, two, third] = [await grantWithToken(), await grantWithToken(), await grantWithToken()];
      const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000);
      const mark = (idHash: string, seconds: number) => ({
        kind: 'AuthorizationCode' as const,
        idHash,
        at: at(seconds),
      });
      await markAnswered(stores.database.kysely, [
        mark(one.idHash, 1),
        mark(hashToken(newToken()), 3),
        mark(two.idHash, 2),
        { ...mark(third.idHash, 4), kind: 'RefreshToken' },
      ]);
      assert.deepEqual((await findToken(one.idHash))?.answeredAt, at(1));
      assert.deepEqual((await findToken(two.idHash))?.answeredAt, at(2));
      assert.equal((await findToken(third.idHash))?.answeredAt, null);
    });

    test('E03 what one answer issues is stored whole or not at all, and the reason for not is told, however often', async () => {
      const { kysely } = stores.database;
      const userId = await addUser(stores);
      const write = createWriteIssued(kysely, (one) => stores.inTransaction(({ sessions }) => sessions.save(one)));
      const issued = (resumed: string | undefined, grantId: string, uid: string) => ({
        resumed,
        proven: undefined as Issued['proven'],
        forgotten: undefined,
        grants: [] as SavedGrant[],
        codes: [
          {
            code: {
              idHash: hashToken(newToken()),
              kind: 'AuthorizationCode',
              grantId,
              sessionUid: uid,
              offline: false,
              payloadSealed: 'sealed',
            },
            lifetimeSeconds: 60,
          },
        ],
        session: { idHash: hashToken(uid), session: session(uid, userId), origin, lifetimeSeconds: 600 },
      });
      const stamp = (await stores.inTransaction(({ users }) => users.find(userId)))?.securityStamp ?? '';
      // Often enough for connections to know the statements.
      for (let round = 0; round < 8; round += 1) {
        const [resumed, id, uid, late, orphan] = [newToken(), newToken(), newToken(), newToken(), newToken()];
        const grant = { id, userId, clientId: 'rp', payload: {}, lifetimeSeconds: 600 };
        await write({ ...issued(resumed, id, uid), grants: [grant] });
        assert.ok(await find(hashToken(uid)));
        await assert.rejects(write(issued(resumed, id, late)), { code: 'interaction_over' });
        assert.equal(await find(hashToken(late)), undefined);
        const once = newToken();
        await assert.rejects(write(issued(once, newToken(), orphan)), { code: 'grant_ended' });
        assert.equal(await find(hashToken(orphan)), undefined);
        assert.equal(await new PostgresUsedOnceStore(kysely).isMarked('resume', once), false);
        // Whoever proved it was disabled or got another password meanwhile.
        const proven = { userId, proof: { securityStamp: round === 0 ? stamp : newId() } };
        const stale = write({ ...issued(once, id, orphan), proven });
        await (round === 0 ? stale : assert.rejects(stale, { code: 'not_proven' }));
        assert.equal((await find(hashToken(orphan))) === undefined, round > 0);
        // Or the session in which it was proven ended.
        if (round === 0) {
          const [ended, lost] = [newToken(), newToken()];
          await write(issued(newToken(), id, ended));
          const bySession = { userId, proof: { sessionUid: ended } };
          await write({ ...issued(newToken(), id, newToken()), proven: bySession });
          await stores.inTransaction(({ sessions }) => sessions.end(ended, 'test'));
          const late = write({ ...issued(newToken(), id, lost), proven: bySession });
          await assert.rejects(late, { code: 'not_proven' });
          assert.equal(await find(hashToken(lost)), undefined);
        }
        // A rotation within it: the session is found by its new id alone, or still by the old one.
        const [before, after] = [hashToken(uid), hashToken(newToken())];
        const rotated = { ...issued(undefined, id, uid), forgotten: before };
        const moved = { ...rotated, session: { ...rotated.session, idHash: after } };
        await assert.rejects(write({ ...moved, codes: issued(undefined, newToken(), uid).codes }), {
          code: 'grant_ended',
        });
        assert.ok(await find(before));
        await write(moved);
        assert.deepEqual([await find(before), (await find(after))?.uid], [undefined, uid]);
      }
    });

    test('F14 a token dies with its session, its grant or its person, and none is stored under a grant that is gone', async () => {
      const bySession = await grantWithToken();
      await end(bySession.uid);
      assert.equal(await findToken(bySession.idHash), undefined);

      const byPerson = await grantWithToken();
      await stores.inTransaction(({ users }) => users.setDisabled(byPerson.userId, true));
      assert.equal(await findToken(byPerson.idHash), undefined);

      const byGrant = await grantWithToken();
      await stores.inTransaction(({ tokens }) => tokens.removeGrant(byGrant.grantId));
      assert.equal(await findToken(byGrant.idHash), undefined);
      const late = { kind: 'AuthorizationCode', grantId: byGrant.grantId, sessionUid: null, offline: false };
      await assert.rejects(
        stores.inTransaction(({ tokens }) =>
          tokens.save({ ...late, idHash: hashToken(newToken()), payloadSealed: '' }, 60),
        ),
        Conflict,
      );
    });

    test('E16 of fifty parallel marks of one identifier one wins; another kind is another mark', async () => {
      const usedOnce = new PostgresUsedOnceStore(stores.database.kysely);
      const id = hashToken(newToken());
      const won = await times(parallel, () => usedOnce.mark('replay', id, 60));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await usedOnce.isMarked('replay', id), true);
      assert.equal(await usedOnce.isMarked('resume', id), false);
      assert.equal(await usedOnce.mark('resume', id, 60), true);
    });
  });
}
