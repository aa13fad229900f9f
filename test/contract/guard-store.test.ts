import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newId } from '../../src/crypto/random.ts';
import { throttleLimits, type Lane } from '../../src/domain/throttle.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

const limits = throttleLimits(1, 6);
if (limits === undefined) throw new Error('the default window has limits');
const { cap, otherLaneShare } = limits;

for (const kind of databaseKinds) {
  describe(`guard store on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    async function open(userId: string, lane: Lane = 'other'): Promise<string> {
      const id = newId();
      const challenge = { id, userId, lane, purpose: 'sign-in' as const, boundTo: 'here' };
      await stores.inTransaction(({ guards }) => guards.open(challenge, 600));
      return id;
    }
    /** Of somebody without an authenticator a code costs one unit; a recovery code costs none. */
    const charge = (userId: string, challengeId: string, units: 0 | 1 = 1, boundTo = 'here', braked = false) =>
      stores.inTransaction(({ guards }) =>
        guards.charge({
          userId,
          challengeId,
          boundTo,
          factor: units === 0 ? 'recovery-code' : 'one-time-code',
          limits,
          braked,
        }),
      );
    const chargeFor = (userId: string, challengeId: string, authenticatorId?: string) =>
      stores.inTransaction(({ guards }) =>
        guards.charge({
          userId,
          challengeId,
          boundTo: 'here',
          factor: 'one-time-code',
          authenticatorId,
          limits,
          braked: false,
        }),
      );
    const parts = (userId: string) => ({
      id: newId(),
      userId,
      label: 'Phone',
      secretSealed: `sealed for ${userId}`,
      algorithm: 'SHA256' as const,
      digits: 8 as const,
      periodSeconds: 60,
    });
    async function addAuthenticator(userId: string): Promise<string> {
      const authenticator = parts(userId);
      await stores.inTransaction(({ authenticators }) => authenticators.insertLive(authenticator));
      return authenticator.id;
    }
    const guardOf = (userId: string) => stores.inTransaction(({ guards }) => guards.readGuard(userId));
    /** As time does between tries: forgets waits and the day, never the totals. */
    const letTimePass = (userId: string) =>
      stores.database.kysely
        .updateTable('guards')
        .set({
          known_next_try_at: null,
          other_next_try_at: null,
          known_day_started_at: null,
          other_day_started_at: null,
          known_day_units: 0,
          other_day_units: 0,
        })
        .where('user_id', '=', userId)
        .execute();

    test('B01 takes five of fifty parallel charges on one challenge', async () => {
      const userId = await addUser(stores);
      const id = await open(userId);
      const taken = await Promise.all(Array.from({ length: 50 }, () => charge(userId, id)));
      assert.equal(taken.filter(Boolean).length, 5);
      assert.equal((await guardOf(userId)).total, 5);
    });

    test('B03 takes no more than the waits allow of parallel charges on many challenges', async () => {
      const userId = await addUser(stores);
      const ids = await Promise.all(Array.from({ length: 20 }, () => open(userId)));
      const taken = await Promise.all(
        ids.flatMap((id) => [charge(userId, id), charge(userId, id), charge(userId, id)]),
      );
      // The fifth failure in a row sets a wait, whatever the challenge.
      assert.equal(taken.filter(Boolean).length, 5);
      assert.equal((await guardOf(userId)).total, 5);
      const tries = await stores.database.kysely
        .selectFrom('challenges')
        .select('tries')
        .where('user_id', '=', userId)
        .execute();
      assert.equal(
        tries.reduce((sum, row) => sum + row.tries, 0),
        5,
        'a refused charge uses up no try',
      );
    });

    test('B02 never lets a lane see more than its share, nor the person more than the cap', async () => {
      const userId = await addUser(stores);
      let other = 0;
      for (let round = 0; round < 60; round += 1) {
        const id = await open(userId, 'other');
        for (let n = 0; n < 5; n += 1) {
          await letTimePass(userId);
          // A sign-in of the owner elsewhere never clears the total; only the row of failures would close the lane.
          await stores.inTransaction(({ guards }) => guards.clearFailuresInARow(userId));
          if (await charge(userId, id)) other += 1;
        }
      }
      assert.equal(other, otherLaneShare);
      let known = 0;
      for (let round = 0; round < 20; round += 1) {
        const id = await open(userId, 'known');
        for (let n = 0; n < 5; n += 1) {
          await letTimePass(userId);
          await stores.inTransaction(({ guards }) => guards.clearFailuresInARow(userId));
          if (await charge(userId, id)) known += 1;
        }
      }
      assert.equal(other + known, cap);
      assert.equal((await guardOf(userId)).total, cap);
    });

    test('B20 fifty failures in a row close one lane and leave the other open', async () => {
      const userId = await addUser(stores);
      let taken = 0;
      for (let round = 0; round < 12; round += 1) {
        const id = await open(userId, 'other');
        for (let n = 0; n < 5; n += 1) {
          await letTimePass(userId);
          if (await charge(userId, id)) taken += 1;
        }
      }
      assert.equal(taken, 50);
      await letTimePass(userId);
      assert.ok(await charge(userId, await open(userId, 'known')));
      assert.ok(await charge(userId, await open(userId, 'other'), 0), 'a recovery code is still taken');
    });

    test('B02 allows twenty units in a day, and three while the brake is on', async () => {
      const userId = await addUser(stores);
      const untilRefused = async (braked: boolean): Promise<number> => {
        let taken = 0;
        for (;;) {
          await stores.inTransaction(({ guards }) => guards.clearFailuresInARow(userId));
          if ((await charge(userId, await open(userId), 1, 'here', braked)) === undefined) return taken;
          taken += 1;
        }
      };
      assert.equal(await untilRefused(true), 3);
      assert.equal(await untilRefused(false), 17);
    });

    test('B05 a success returns what its own challenge took, once, and nothing of another', async () => {
      const userId = await addUser(stores);
      const abandoned = await open(userId);
      for (let n = 0; n < 3; n += 1) assert.ok(await charge(userId, abandoned));
      const own = await open(userId, 'known');
      for (let n = 0; n < 4; n += 1) assert.ok(await charge(userId, own));
      const settled = await Promise.all(
        Array.from({ length: 10 }, () => stores.inTransaction(({ guards }) => guards.settle(userId, own))),
      );
      assert.deepEqual(
        settled.filter((total) => total !== undefined),
        [3],
      );
      const guard = await guardOf(userId);
      assert.equal(guard.total, 3);
      assert.equal(guard.lanes.other.units, 3);
      assert.equal(guard.lanes.other.dayUnits, 3);
      assert.equal(guard.lanes.known.units, 0);
      assert.equal(guard.lanes.known.dayUnits, 0);
      assert.equal(guard.lanes.known.inARow, 0);
    });

    test('a challenge that a new password closed takes no charge and accepts nothing that was under way', async () => {
      const userId = await addUser(stores);
      const id = await open(userId);
      assert.ok(await charge(userId, id));
      await stores.inTransaction(({ guards }) => guards.voidChallenges(userId));
      assert.equal(await charge(userId, id), undefined);
      assert.equal(await stores.inTransaction(({ guards }) => guards.settle(userId, id)), undefined);
      assert.equal((await guardOf(userId)).total, 1, 'a new password alone returns nothing');
      await stores.inTransaction(({ guards }) => guards.clear(userId));
      assert.equal((await guardOf(userId)).total, 0);
    });

    test('the day gets back what a challenge took, also where a recovery code was tried first', async () => {
      const userId = await addUser(stores);
      const id = await open(userId);
      assert.ok(await charge(userId, id, 0));
      await addAuthenticator(userId);
      await addAuthenticator(userId);
      assert.ok(await charge(userId, id));
      assert.equal((await guardOf(userId)).lanes.other.dayUnits, 2);
      await stores.inTransaction(({ guards }) => guards.settle(userId, id));
      assert.equal((await guardOf(userId)).lanes.other.dayUnits, 0);
    });

    test('B05 a replayed code gets its units back once, never more than its challenge took', async () => {
      const userId = await addUser(stores);
      const abandoned = await open(userId);
      assert.ok(await charge(userId, abandoned));
      const id = await open(userId);
      assert.ok(await charge(userId, id));
      await Promise.all(
        Array.from({ length: 10 }, () => stores.inTransaction(({ guards }) => guards.giveBack(userId, id, 1))),
      );
      assert.equal((await guardOf(userId)).total, 1);
    });

    test('B23 counts accounts whose codes were guessed, also where no challenge was used up', async () => {
      const before = await stores.inTransaction(({ guards }) => guards.countGuessedAccounts());
      const people = await Promise.all(Array.from({ length: 3 }, () => addUser(stores)));
      for (const userId of people) assert.ok(await charge(userId, await open(userId)));
      const settled = await open(people[0] ?? '');
      assert.ok(await charge(people[0] ?? '', settled));
      await stores.inTransaction(({ guards }) => guards.settle(people[0] ?? '', settled));
      const counted = await stores.inTransaction(({ guards }) => guards.countGuessedAccounts());
      assert.equal(counted.failed - before.failed, 3);
      assert.equal(counted.accepted - before.accepted, 1);
    });

    test('B06 a code costs a unit for each authenticator it may be compared with, and names these', async () => {
      const userId = await addUser(stores);
      const other = await addAuthenticator(await addUser(stores));
      const [one, two, gone] = [
        await addAuthenticator(userId),
        await addAuthenticator(userId),
        await addAuthenticator(userId),
      ];
      await stores.inTransaction(async ({ authenticators }) => {
        await authenticators.remove(userId, gone, 'removed');
        await authenticators.putPending(parts(userId), 'here', 600);
        await authenticators.spend(userId, one, [2 ** 40, 7]);
      });
      const id = await open(userId);
      const both = await chargeFor(userId, id);
      assert.equal(both?.units, 2);
      assert.deepEqual(both.authenticators.map((named) => named.id).toSorted(), [one, two].toSorted());
      assert.deepEqual(
        both.authenticators.find((named) => named.id === one),
        {
          id: one,
          userId,
          secretSealed: `sealed for ${userId}`,
          algorithm: 'SHA256',
          digits: 8,
          periodSeconds: 60,
          driftSteps: 0,
          lastStep: -1,
          spentSteps: [2 ** 40, 7],
        },
      );
      const chosen = await chargeFor(userId, id, two);
      assert.equal(chosen?.units, 1);
      assert.deepEqual(
        chosen.authenticators.map((named) => named.id),
        [two],
      );
      for (const strange of [other, gone, 'no id at all']) {
        const none = await chargeFor(userId, await open(userId, 'known'), strange);
        assert.equal(none?.units, 1, 'what is not theirs costs as much as what is');
        assert.deepEqual(none.authenticators, []);
      }
      const recovery = await charge(userId, id, 0);
      assert.equal(recovery?.units, 0);
      assert.deepEqual(recovery.authenticators, []);
      assert.equal((await guardOf(userId)).total, 6);
    });

    test('B06 authenticators that come and go beside it: nothing is named that was not charged', async () => {
      const userId = await addUser(stores);
      const ids = await Promise.all(Array.from({ length: 6 }, () => open(userId)));
      const lanes = await Promise.all(Array.from({ length: 4 }, () => open(userId, 'known')));
      const kept = await addAuthenticator(userId);
      const [taken] = await Promise.all([
        Promise.all([...ids, ...lanes].map((id) => chargeFor(userId, id))),
        ...Array.from({ length: 6 }, async () => {
          const id = await addAuthenticator(userId);
          await stores.inTransaction(({ authenticators }) => authenticators.remove(userId, id, 'removed'));
        }),
      ]);
      const charges = taken.filter((one) => one !== undefined);
      assert.ok(charges.length > 0);
      for (const { units, authenticators } of charges) {
        assert.equal(units, authenticators.length);
        assert.ok(authenticators.some(({ id }) => id === kept));
      }
      assert.equal(
        (await guardOf(userId)).total,
        charges.reduce((sum, { units }) => sum + units, 0),
      );
    });

    test('refuses a charge from anywhere but where the challenge was opened, and for another person', async () => {
      const userId = await addUser(stores);
      const id = await open(userId);
      assert.equal(await charge(userId, id, 1, 'elsewhere'), undefined);
      assert.equal(await charge(await addUser(stores), id), undefined);
      assert.equal((await guardOf(userId)).total, 0);
    });
  });
}
