import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AttemptStore } from '../../src/attempt-store.ts';
import { hashToken, newBytes, newId, newToken } from '../../src/crypto/random.ts';
import { createSecretBox } from '../../src/crypto/secret-box.ts';
import { createAdapterFactory } from '../../src/provider/adapter.ts';
import type { ShortLivedRecords } from '../../src/short-lived-records.ts';
import { InProcessAttemptStore } from '../../src/storage/in-process/attempt-store.ts';
import { InProcessShortLivedRecords } from '../../src/storage/in-process/short-lived-records.ts';
import { createWriteIssued } from '../../src/storage/postgres/issued-store.ts';
import { PostgresSessionStore } from '../../src/storage/postgres/session-store.ts';
import { PostgresTokenStore } from '../../src/storage/postgres/token-store.ts';
import { PostgresUsedOnceStore } from '../../src/storage/postgres/used-once-store.ts';
import { RedisAttemptStore } from '../../src/storage/redis/attempt-store.ts';
import { connectRedis, type RedisConnection } from '../../src/storage/redis/connection.ts';
import { RedisShortLivedRecords } from '../../src/storage/redis/short-lived-records.ts';
import { movingClock } from '../support/moving-clock.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { openStores, type OpenedStores } from '../support/stores.ts';

const parallel = 50;
const times = <Result>(count: number, work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

for (const kind of ['Redis', 'the process'] as const) {
  describe(`short-lived state in ${kind}`, () => {
    let redis: RedisConnection | undefined;
    let records: ShortLivedRecords;
    let attempts: AttemptStore;
    const clock = movingClock();
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind === 'Redis' ? 'PostgreSQL' : 'PGlite');
      if (kind === 'Redis') {
        redis = await connectRedis(await freshRedisUrl(), () => {});
        records = new RedisShortLivedRecords(redis);
        attempts = new RedisAttemptStore(redis);
      } else {
        records = new InProcessShortLivedRecords(clock);
        attempts = new InProcessAttemptStore(clock);
      }
    });
    after(async () => {
      redis?.disconnect();
      await stores.close();
    });

    /** Lets a time pass: Redis keeps its own clock, the process has ours. */
    async function pass(seconds: number): Promise<void> {
      if (redis === undefined) clock.move(seconds);
      else await new Promise((done) => setTimeout(done, seconds * 1000 + 30));
    }

    test('of fifty parallel creates of one record one wins', async () => {
      const id = newId();
      const won = await times(parallel, (n) => records.create('kind', id, String(n), 60));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await records.read('kind', id), String(won.indexOf(true)));
    });

    test('of fifty parallel takes of one record one gets it', async () => {
      const id = newId();
      await records.put('kind', id, 'value', 60);
      const taken = await times(parallel, () => records.take('kind', id));
      assert.deepEqual(
        taken.filter((value) => value !== undefined),
        ['value'],
      );
      assert.equal(await records.read('kind', id), undefined);
    });

    test('replaces only what is there, so that nothing comes back after it was taken', async () => {
      const id = newId();
      assert.equal(await records.replace('kind', id, 'late', 60), false);
      await records.put('kind', id, 'one', 60);
      assert.equal(await records.replace('kind', id, 'two', 60), true);
      await records.remove('kind', id);
      assert.equal(await records.replace('kind', id, 'three', 60), false);
      assert.equal(await records.read('kind', id), undefined);
    });

    test('H14 kinds and ids do not run into one another, whatever they hold', async () => {
      await records.put('a', 'b:c', 'one', 60);
      await records.put('a:b', 'c', 'two', 60);
      await records.put('a', '*', 'three', 60);
      await records.put('a', 'line\nbreak {x}', 'four', 60);
      assert.equal(await records.read('a', 'b:c'), 'one');
      assert.equal(await records.read('a:b', 'c'), 'two');
      assert.equal(await records.read('a', '*'), 'three');
      assert.equal(await records.read('a', 'line\nbreak {x}'), 'four');
    });

    test('forgets by itself', async () => {
      const id = newId();
      await records.put('kind', id, 'value', 1);
      await pass(1);
      assert.equal(await records.read('kind', id), undefined);
      assert.equal(await records.create('kind', id, 'again', 60), true);
    });

    test('B03 takes as many of fifty parallel attempts as the budget holds', async () => {
      const subject = newId();
      const waits = await times(parallel, () => attempts.charge([{ subject, burst: 7, refillSeconds: 100 }]));
      assert.equal(waits.filter((wait) => wait === 0).length, 7);
      for (const wait of waits.filter((one) => one > 0)) assert.ok(wait > 90 && wait <= 100, `${wait}`);
    });

    test('takes from every budget or from none', async () => {
      const [full, other] = [newId(), newId()];
      const narrow = { subject: full, burst: 1, refillSeconds: 100 };
      const wide = { subject: other, burst: 2, refillSeconds: 100 };
      assert.equal(await attempts.charge([narrow]), 0);
      await times(10, () => attempts.charge([wide, narrow]));
      assert.equal(await attempts.charge([wide]), 0);
      assert.equal(await attempts.charge([wide]), 0);
      assert.ok((await attempts.charge([wide])) > 0);
    });

    test('a budget fills again with time, and at once when it is cleared', async () => {
      const limit = { subject: newId(), burst: 1, refillSeconds: 1 };
      assert.equal(await attempts.charge([limit]), 0);
      assert.equal(await attempts.charge([limit]), 1);
      await pass(1);
      assert.equal(await attempts.charge([limit]), 0);
      await attempts.clear(limit.subject);
      assert.equal(await attempts.charge([limit]), 0);
    });

    function adapterOf(model: string) {
      const db = stores.database.kysely;
      return createAdapterFactory({
        sessions: new PostgresSessionStore(db),
        tokens: new PostgresTokenStore(db),
        usedOnce: new PostgresUsedOnceStore(db),
        writeIssued: createWriteIssued(db, () => assert.fail('no session is saved')),
        records,
        secretBox: createSecretBox([{ id: 'k1', key: newBytes(32) }]),
        findClient: async () => undefined,
        sessionIdleSeconds: 3600,
        attempts,
        clock,
      } as unknown as Parameters<typeof createAdapterFactory>[0])(model);
    }

    test('of fifty parallel resumes of one interaction one goes on', async () => {
      const write = createWriteIssued(stores.database.kysely, () => assert.fail('no session is saved'));
      const nothing = { proven: undefined, forgotten: undefined, grants: [], codes: [], session: undefined };
      const resumed = hashToken(newToken());
      const outcomes = await Promise.allSettled(Array.from({ length: parallel }, () => write({ ...nothing, resumed })));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    });

    test('outside of the request that resumes it no interaction is over', async () => {
      const adapter = adapterOf('Interaction');
      const id = newToken();
      await adapter.upsert(id, { jti: id }, 600);
      await assert.rejects(async () => adapter.destroy(id));
      assert.ok(await adapter.find(id));
    });

    test('C17 of fifty who answer one device one is taken, and whoever saves it late, unanswered, undoes nothing', async () => {
      const adapter = adapterOf('DeviceCode');
      const id = newToken();
      const device = { jti: id, userCode: newToken(), inFlight: true };
      await adapter.upsert(id, device, 600);
      const people = Array.from({ length: parallel }, () => newId());
      const answers = await Promise.allSettled(
        people.map((accountId) => adapter.upsert(id, { ...device, accountId }, 600)),
      );
      const won = people.filter((_, at) => answers[at]?.status === 'fulfilled');
      assert.equal(won.length, 1);
      await adapter.upsert(id, device, 600);
      assert.equal((await adapter.find(id))?.accountId, won[0]);
      assert.equal((await adapter.findByUserCode(device.userCode))?.accountId, won[0]);
      await adapter.destroy(id);
      assert.equal(await adapter.find(id), undefined);
    });

    test('E17 of fifty parallel uses of a pushed request one goes on', async () => {
      const adapter = adapterOf('PushedAuthorizationRequest');
      const id = newToken();
      await adapter.upsert(id, { jti: id }, 60);
      const used = await Promise.allSettled(Array.from({ length: parallel }, () => adapter.consume(id)));
      assert.equal(used.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.ok((await adapter.find(id))?.consumed);
    });
  });
}
