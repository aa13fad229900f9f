import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createSealer, type Sealer } from '../../src/audit/sealer.ts';
import { systemClock } from '../../src/clock.ts';
import { newBytes, newId } from '../../src/crypto/random.ts';
import { createSecretBox } from '../../src/crypto/secret-box.ts';
import { createVerifyAudit, type VerifyReport } from '../../src/audit/verify.ts';
import { createKeepAuditMonths } from '../../src/audit/prune.ts';
import { createLogger } from '../../src/logger.ts';
import { PostgresAuditLog } from '../../src/storage/postgres/audit-log.ts';
import { PersonKeys } from '../../src/storage/postgres/audit-person-keys.ts';
import { PostgresChainReader, PostgresSealStore } from '../../src/storage/postgres/audit-chain.ts';
import { PostgresAuditMonthStore, setAuditRetention } from '../../src/storage/postgres/audit-months.ts';
import { createInTransaction } from '../../src/storage/postgres/database.ts';
import { databaseKinds, openStores, testContext, type OpenedStores } from '../support/stores.ts';

const logger = createLogger('silent');

function sealerOf(stores: OpenedStores, publish?: (events: number) => void): Sealer {
  return createSealer({
    inTransaction: createInTransaction(stores.database.kysely, (db) => ({
      seals: new PostgresSealStore(db),
      publish: async (_seals: unknown, events: readonly unknown[]) => publish?.(events.length),
    })),
    secretBox: stores.secretBox,
    logger,
  });
}

function verifierOf({ database, secretBox }: OpenedStores) {
  return createVerifyAudit({ reader: new PostgresChainReader(database.kysely), secretBox });
}

function write({ inTransaction }: OpenedStores, count = 1, target = newId()): Promise<void> {
  return inTransaction(({ audit }) =>
    audit.recordAll(
      Array.from({ length: count }, (_, n) => ({
        type: 'session.ended' as const,
        actor: target,
        target,
        result: 'success' as const,
        details: { n },
        context: testContext,
      })),
    ),
  );
}

for (const kind of databaseKinds) {
  describe(`the chain on ${kind}`, () => {
    let stores: OpenedStores;
    before(async () => {
      stores = await openStores(kind);
    });
    after(() => stores.close());

    test('a thousand waiting events that somebody removed do not keep the others from being chained', async () => {
      const own = await openStores(kind);
      try {
        for (let n = 0; n < 10; n += 1) await write(own, 100);
        await own.database.kysely.connection().execute(async (one) => {
          await sql`set session_replication_role = replica`.execute(one);
          await sql`delete from audit_events`.execute(one);
          await sql`set session_replication_role = origin`.execute(one);
        });
        await write(own, 5);
        assert.equal(await sealerOf(own).sealNow(), 5);
      } finally {
        await own.close();
      }
    });

    test('an empty record is intact', async () => {
      const report = await verifierOf(stores)();
      assert.deepEqual(
        { ...report },
        { kind: 'intact', seals: 0, events: 0, dropped: 0, unchecked: 0, breaks: [], head: null },
      );
    });

    test('parallel writers and parallel sealers: every event is chained once and published once', async () => {
      let published = 0;
      const sealers = [1, 2, 3].map(() => sealerOf(stores, (count) => (published += count)));
      const state = { writing: true };
      const sealing = sealers.map(async (sealer) => {
        while (state.writing) await sealer.sealNow();
      });
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let n = 0; n < 25; n += 1) await write(stores, 2);
        }),
      );
      state.writing = false;
      await Promise.all(sealing);
      await sealers[0]?.sealNow();
      assert.equal(published, 400);
      const report = await verifierOf(stores)();
      assert.deepEqual(report.breaks, []);
      assert.equal(report.events, 400);
    });

    test('events that wait for the sealer do not break the chain', async () => {
      const before = await verifierOf(stores)();
      await write(stores, 3);
      const waiting = await verifierOf(stores)();
      assert.equal(waiting.kind, 'intact');
      assert.equal(waiting.events, before.events);
      assert.equal(await sealerOf(stores).sealNow(), 3);
      assert.equal((await verifierOf(stores)()).events, before.events + 3);
    });

    test('a head written down elsewhere is passed by the chain as it grows', async () => {
      const { head } = await verifierOf(stores)();
      assert.ok(head);
      await write(stores);
      await sealerOf(stores).sealNow();
      assert.equal((await verifierOf(stores)({ heads: [head] })).kind, 'intact');
      const { breaks } = await verifierOf(stores)({ heads: [{ ...head, hash: 'other' }] });
      assert.deepEqual(breaks, [{ kind: 'chain-cut', seal: head.number }]);
    });

    test('a month whose time is over is dropped with a record of it, and the chain leads across', async () => {
      const { kysely } = stores.database;
      await sql`select audit_add_month('2019-05-01')`.execute(kysely);
      await sql`
        with old as (insert into audit_events (at, type, actor, target, result, request_id)
          select '2019-05-31T23:59:59Z'::timestamptz, 'session.ended', 'service', '', 'success', ''
          from generate_series(1, 5) returning id, at)
        insert into audit_unsealed select id, at from old`.execute(kysely);
      await write(stores);
      const keep = createKeepAuditMonths(
        createInTransaction(kysely, (db) => ({
          audit: new PostgresAuditLog(db, new PersonKeys(stores.secretBox, systemClock)),
          auditMonths: new PostgresAuditMonthStore(db),
        })),
      );
      assert.deepEqual(await keep(), [], 'kept for ever unless somebody said otherwise');
      await setAuditRetention(kysely, 24);
      await assert.rejects(keep(), { code: '55000' }, 'not before its events are sealed');
      await sealerOf(stores).sealNow();
      await assert.rejects(sql`select audit_drop_month(now()::date)`.execute(kysely), { code: '42501' });
      assert.deepEqual(await keep(), ['2019-05']);
      await sealerOf(stores).sealNow();
      const report = await verifierOf(stores)();
      assert.deepEqual(report.breaks, []);
      assert.equal(report.dropped, 5);
    });
  });
}

describe('an event that commits late', () => {
  test('is chained when it commits, though later ids were chained before', async () => {
    const stores = await openStores('PostgreSQL');
    try {
      const sealer = sealerOf(stores);
      let commit = (): void => undefined;
      let begun = (): void => undefined;
      const started = new Promise<void>((resolve) => (begun = resolve));
      const late = stores.inTransaction(async ({ audit }) => {
        const target = newId();
        await audit.record({ type: 'session.ended', actor: target, target, result: 'success', context: testContext });
        begun();
        await new Promise<void>((resolve) => (commit = resolve));
      });
      await started;
      await write(stores, 4);
      assert.equal(await sealer.sealNow(), 4);
      commit();
      await late;
      assert.equal(await sealer.sealNow(), 1);
      const report = await verifierOf(stores)();
      assert.equal(report.kind, 'intact');
      assert.equal(report.events, 5);
    } finally {
      await stores.close();
    }
  });
});

/** Ways to falsify the record for somebody who owns the database, and what verifying says of each. */
const ways: readonly {
  readonly name: string;
  readonly act: (stores: OpenedStores) => Promise<unknown>;
  readonly finds: string;
  readonly withHead?: true;
}[] = [
  {
    name: 'a field edited',
    act: run(`update audit_events set result = 'failure' where id = 6`),
    finds: 'event-edited',
  },
  {
    name: 'a detail edited',
    act: run(`update audit_events set details = '{"n": 9}' where id = 6`),
    finds: 'event-edited',
  },
  {
    name: 'a moment moved by a microsecond',
    act: run(`update audit_events set at = at + interval '1 microsecond' where id = 6`),
    finds: 'event-edited',
  },
  {
    name: 'an origin put into another event of the same person',
    act: run(
      `update audit_events set origin_sealed = (select origin_sealed from audit_events where id = 5) where id = 6`,
    ),
    finds: 'event-edited',
  },
  { name: 'an event removed', act: run('delete from audit_events where id = 6'), finds: 'event-removed' },
  { name: 'the newest event removed', act: run('delete from audit_events where id = 12'), finds: 'event-removed' },
  {
    name: 'an event removed before it was chained',
    act: async (stores) => {
      await write(stores);
      await run('delete from audit_events where id = 13')(stores);
    },
    finds: 'event-removed',
  },
  {
    name: 'an event inserted among old ones',
    act: run(`insert into audit_events (id, at, type, actor, target, result, request_id)
      select 1000, at, type, actor, target, result, 'x' from audit_events where id = 6`),
    finds: 'event-inserted',
  },
  {
    name: 'two events reordered',
    act: run(`update audit_events set id = case id when 6 then 7 else 6 end where id in (6, 7)`),
    finds: 'event-edited',
  },
  {
    name: 'a seal told to hold other events',
    act: run(`update audit_seals set event_ids = array[5, 7, 6, 8] where number = 2`),
    finds: 'seal-edited',
  },
  {
    name: 'an event edited together with its hash',
    act: run(`update audit_seals set event_hashes = decode(repeat('00', 128), 'hex') where number = 2`),
    finds: 'seal-edited',
  },
  { name: 'a seal removed', act: run('delete from audit_seals where number = 2'), finds: 'seal-removed' },
  {
    name: 'two seals reordered',
    act: run(`update audit_seals set number = -number; update audit_seals set number = case number when -2 then 3
      when -3 then 2 else -number end`),
    finds: 'seal-moved',
  },
  {
    name: 'the whole chain made anew over edited events, without the key of the service',
    act: async (stores) => {
      await run(`update audit_events set result = 'failure' where id = 6; delete from audit_seals;
        insert into audit_unsealed select id, at from audit_events`)(stores);
      const forged = { ...stores, secretBox: createSecretBox([{ id: 'k1', key: newBytes(32) }]) };
      await sealerOf(forged).sealNow();
    },
    finds: 'seal-forged',
  },
  {
    name: 'the end cut off, events and seal',
    act: run(`delete from audit_events where id > 8; delete from audit_seals where number = 3`),
    finds: 'chain-cut',
    withHead: true,
  },
  {
    name: 'all events of a month removed without their time being over',
    act: run('delete from audit_events'),
    finds: 'month-removed',
  },
];

/** Runs statements as an owner who switched the triggers off. */
function run(statements: string): (stores: OpenedStores) => Promise<unknown> {
  return ({ database }) =>
    database.kysely.transaction().execute(async (transaction) => {
      await sql`set local session_replication_role = replica`.execute(transaction);
      for (const statement of statements.split(';')) await sql.raw(statement).execute(transaction);
    });
}

describe('a falsified record', () => {
  for (const { name, act, finds, withHead } of ways) {
    test(`K07 ${name} is found`, async () => {
      const stores = await openStores('PostgreSQL');
      try {
        const person = newId();
        for (let batch = 0; batch < 3; batch += 1) {
          await write(stores, 4, person);
          await sealerOf(stores).sealNow();
        }
        const honest: VerifyReport = await verifierOf(stores)();
        assert.equal(honest.kind, 'intact');
        assert.ok(honest.head);
        await act(stores);
        const report = await verifierOf(stores)({ heads: withHead ? [honest.head] : [] });
        assert.equal(report.kind, 'broken');
        assert.ok(
          report.breaks.some((one) => one.kind === finds),
          JSON.stringify(report.breaks),
        );
      } finally {
        await stores.close();
      }
    });
  }

  test('a seal under a key that left the ring is vouched for by a later one', async () => {
    const stores = await openStores('PostgreSQL');
    try {
      await write(stores);
      await sealerOf(stores).sealNow();
      const secretBox = createSecretBox([{ id: 'k2', key: newBytes(32) }]);
      const alone = await verifierOf({ ...stores, secretBox })();
      assert.deepEqual(alone.breaks, [{ kind: 'seal-forged', seal: 1 }]);
      await write(stores);
      await sealerOf({ ...stores, secretBox }).sealNow();
      const report = await verifierOf({ ...stores, secretBox })();
      assert.deepEqual(report.breaks, []);
      assert.equal(report.unchecked, 1);
    } finally {
      await stores.close();
    }
  });
});
