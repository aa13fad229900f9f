import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { newId } from '../../src/crypto/random.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

const parallel = 50;
const wasLost = (error: unknown): boolean => {
  assert.equal((error as { code?: string }).code, 'lost_race');
  return false;
};
const times = <Result>(count: number, work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

for (const kind of databaseKinds) {
  describe(`authenticator store on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    const parts = (userId: string, id = newId()) => ({
      id,
      userId,
      label: 'Phone',
      secretSealed: 'sealed',
      algorithm: 'SHA1' as const,
      digits: 6 as const,
      periodSeconds: 30,
    });
    const present = (): number => Math.floor(Date.now() / 30_000);
    async function addLive(userId: string): Promise<string> {
      const authenticator = parts(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.insertLive(authenticator));
      return authenticator.id;
    }
    const accept = (userId: string, id: string, step: number, drift = 0): Promise<boolean> =>
      stores
        .inOneTrip(({ authenticators }) => authenticators.accept(userId, id, step, drift))
        .then(() => true, wasLost);
    const live = (userId: string) => stores.inTransaction(({ authenticators }) => authenticators.listLive(userId));

    test('A02 of fifty parallel accepts of one step one wins', async () => {
      const userId = await addUser(stores);
      const id = await addLive(userId);
      const step = present();
      const won = await times(parallel, () => accept(userId, id, step));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal((await live(userId))[0]?.lastStep, step);
    });

    test('A02 of fifty parallel acceptances with their challenge one wins, and what stood beside the others is undone', async () => {
      const userId = await addUser(stores);
      const [id, challengeId] = [await addLive(userId), newId()];
      const opened = { id: challengeId, userId, lane: 'other', purpose: 'sign-in', boundTo: 'here' } as const;
      await stores.inTransaction(({ guards }) => guards.open(opened, 600));
      const step = present();
      const won = await times(parallel, (n) =>
        stores
          .inOneTrip(({ authenticators, guards, knownBrowsers }) =>
            Promise.all([
              knownBrowsers.insert(`beside ${challengeId} ${n}`, userId, 'test'),
              // Each with a step of its own: the challenge alone decides.
              authenticators.accept(userId, id, step - parallel + n, 0),
              guards.settleOrFail(userId, challengeId),
            ]),
          )
          .then(() => true, wasLost),
      );
      assert.equal(won.filter(Boolean).length, 1);
      const { rows } = await sql<{ beside: string }>`
        select token_hash as beside from known_browsers where user_id = ${userId}`.execute(stores.database.kysely);
      assert.deepEqual(
        rows.map(({ beside }) => beside),
        [`beside ${challengeId} ${won.indexOf(true)}`],
      );
      assert.equal((await live(userId))[0]?.lastStep, step - parallel + won.indexOf(true));
    });

    test('A01 an accepted step, an older one and one in the future of the database are never accepted', async () => {
      const userId = await addUser(stores);
      const id = await addLive(userId);
      const step = present();
      assert.equal(await accept(userId, id, step + 4), false, 'a replica with a wrong clock pushes nothing ahead');
      assert.equal(await accept(userId, id, step), true);
      for (const old of [step, step - 1, step - 100]) assert.equal(await accept(userId, id, old), false);
      assert.equal(await accept(userId, id, step + 1), true);
    });

    test('an authenticator of somebody else, a pending and a removed one accept nothing', async () => {
      const [one, two] = [await addUser(stores), await addUser(stores)];
      const id = await addLive(one);
      assert.equal(await accept(two, id, present()), false);
      const pending = parts(one);
      await stores.inTransaction(({ authenticators }) => authenticators.putPending(pending, 'here', 600));
      assert.equal(await accept(one, pending.id, present()), false);
      await stores.inTransaction(({ authenticators }) => authenticators.remove(one, id, 'removed'));
      assert.equal(await accept(one, id, present()), false);
    });

    test('steps spent for the clock message stay spent when they come, also after an acceptance in between', async () => {
      const userId = await addUser(stores);
      const id = await addLive(userId);
      const step = present();
      await stores.inTransaction(({ authenticators }) => authenticators.spend(userId, id, [step - 5, step + 1]));
      assert.equal(await accept(userId, id, step), true);
      assert.deepEqual((await live(userId))[0]?.spentSteps, [step + 1]);
      assert.equal(await accept(userId, id, step + 1), false);
    });

    test('D24 of fifty parallel starts one pending authenticator stays', async () => {
      const userId = await addUser(stores);
      await times(parallel, () =>
        stores.inTransaction(({ authenticators }) => authenticators.putPending(parts(userId), 'here', 600)),
      );
      const rows = await stores.database.kysely
        .selectFrom('authenticators')
        .select('id')
        .where('user_id', '=', userId)
        .execute();
      assert.equal(rows.length, 1);
    });

    test('D06 takes ten of fifty parallel tries to confirm, only where it was begun and by whom', async () => {
      const [userId, other] = [await addUser(stores), await addUser(stores)];
      const pending = parts(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.putPending(pending, 'here', 600));
      const charge = (who: string, boundTo: string) =>
        stores.inTransaction(({ authenticators }) => authenticators.chargeConfirm(who, pending.id, boundTo, 10));
      assert.equal(await charge(userId, 'elsewhere'), undefined);
      assert.equal(await charge(other, 'here'), undefined);
      const taken = await times(parallel, () => charge(userId, 'here'));
      assert.equal(taken.filter(Boolean).length, 10);
      assert.deepEqual(
        taken.flatMap((one) => (one ? [one.triesLeft] : [])).sort((a, b) => a - b),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
    });

    test('of fifty parallel confirms one wins, and its step counts as used', async () => {
      const userId = await addUser(stores);
      const pending = parts(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.putPending(pending, 'here', 600));
      const step = present();
      const won = await times(parallel, () =>
        stores.inTransaction(({ authenticators }) => authenticators.confirm(userId, pending.id, step, 0, 5)),
      );
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await accept(userId, pending.id, step), false);
    });

    test('nobody gets more than the most authenticators', async () => {
      const userId = await addUser(stores);
      const confirmed: boolean[] = [];
      for (let n = 0; n < 6; n += 1) {
        const pending = parts(userId);
        await stores.inTransaction(({ authenticators }) => authenticators.putPending(pending, 'here', 600));
        confirmed.push(
          await stores.inTransaction(({ authenticators }) => authenticators.confirm(userId, pending.id, 1, 0, 5)),
        );
      }
      assert.deepEqual(confirmed, [true, true, true, true, true, false]);
    });

    test('an expired pending one is not found, not charged and not confirmed', async () => {
      const userId = await addUser(stores);
      const pending = parts(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.putPending(pending, 'here', 0));
      await stores.inTransaction(async ({ authenticators }) => {
        assert.equal(await authenticators.findPending(userId), undefined);
        assert.equal(await authenticators.chargeConfirm(userId, pending.id, 'here', 10), undefined);
        assert.equal(await authenticators.confirm(userId, pending.id, 1, 0, 5), false);
      });
    });

    test('D10 removing all leaves none live and none pending', async () => {
      const userId = await addUser(stores);
      await addLive(userId);
      await addLive(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.putPending(parts(userId), 'here', 600));
      const removed = await times(10, () =>
        stores.inTransaction(({ authenticators }) => authenticators.removeAll(userId, 'reset')),
      );
      assert.equal(
        removed.reduce((sum, count) => sum + count, 0),
        2,
      );
      assert.deepEqual(await live(userId), []);
      assert.equal(await stores.inTransaction(({ authenticators }) => authenticators.findPending(userId)), undefined);
    });
  });

  describe(`recovery-code store on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    const set = () =>
      Array.from({ length: 10 }, (_, n) => ({ id: newId(), prefix: `p${n}`, pattern: null, hash: `hash ${n}` }));
    const replace = (userId: string, codes: ReturnType<typeof set>) =>
      stores.inTransaction(({ recoveryCodes }) => recoveryCodes.replace(userId, codes));
    const use = (userId: string, id: string) =>
      stores.inTransaction(({ recoveryCodes }) => recoveryCodes.use(userId, id));
    const unused = (userId: string) => stores.inTransaction(({ recoveryCodes }) => recoveryCodes.countUnused(userId));

    test('D11 of fifty parallel redemptions of one code one wins, and somebody else never does', async () => {
      const [userId, other] = [await addUser(stores), await addUser(stores)];
      const codes = set();
      await replace(userId, codes);
      const id = codes[0]?.id ?? '';
      assert.equal(await use(other, id), false);
      const won = await times(parallel, () => use(userId, id));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await unused(userId), 9);
    });

    test('D13 of sets made at once one stays, and the old codes are void', async () => {
      const userId = await addUser(stores);
      const old = set();
      await replace(userId, old);
      await times(20, () => replace(userId, set()));
      assert.equal(await unused(userId), 10);
      for (const { id } of old) assert.equal(await use(userId, id), false);
      await stores.inTransaction(({ recoveryCodes }) => recoveryCodes.voidAll(userId, 'reset'));
      assert.equal(await unused(userId), 0);
    });

    test('D13 a code that is used while the set is replaced counts once or is void, never both', async () => {
      const userId = await addUser(stores);
      const old = set();
      await replace(userId, old);
      const [used] = await Promise.all([times(10, (n) => use(userId, old[n]?.id ?? '')), replace(userId, set())]);
      assert.equal(await unused(userId), 10);
      const rows = await stores.database.kysely
        .selectFrom('recovery_codes')
        .select(['used_at', 'voided_at'])
        .where('user_id', '=', userId)
        .execute();
      assert.equal(rows.filter((row) => row.used_at !== null).length, used.filter(Boolean).length);
      assert.equal(rows.filter((row) => row.used_at !== null && row.voided_at !== null).length, 0);
    });
  });
}
