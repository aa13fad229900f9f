import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { systemClock } from '../../src/clock.ts';
import { newId } from '../../src/crypto/random.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { PersonKeys } from '../../src/storage/postgres/audit-person-keys.ts';
import { PostgresAuditLog } from '../../src/storage/postgres/audit-log.ts';
import { PostgresAuditReader } from '../../src/storage/postgres/audit-reader.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import { addUser, databaseKinds, openStores, type OpenedStores } from '../support/stores.ts';

function event(overrides: Partial<AuditEvent> = {}): AuditEvent {
  const person = newId();
  return {
    type: 'password.accepted',
    actor: person,
    target: person,
    result: 'success',
    context: { requestId: newId(), address: '192.0.2.7', userAgent: 'Browser/1' },
    ...overrides,
  };
}

for (const kind of databaseKinds) {
  describe(`the audit log on ${kind}`, () => {
    let stores: OpenedStores;
    let database: Database;
    let keys: PersonKeys;
    let reader: PostgresAuditReader;
    const write = async (...events: AuditEvent[]) => new PostgresAuditLog(database.kysely, keys).recordAll(events);

    before(async () => {
      stores = await openStores(kind);
      ({ database } = stores);
      keys = new PersonKeys(stores.secretBox, systemClock);
      reader = new PostgresAuditReader(database.kysely, keys);
    });
    after(() => stores.close());

    test('keeps every field, and several events in one statement in their order', async () => {
      const first = event({
        reason: 'known',
        details: { known: true, tries: 2, lane: null },
        personal: { name: 'Ada' },
      });
      const second = event({
        type: 'one-time-code.refused',
        actor: first.actor,
        target: first.target,
        result: 'failure',
      });
      await write(first, second);
      const { items } = await reader.list({ person: first.actor }, { limit: 10 });
      assert.deepEqual(
        items.map(({ type }) => type),
        ['one-time-code.refused', 'password.accepted'],
      );
      const { id, at, ...kept } = items[1] ?? assert.fail();
      assert.match(id, /^\d+$/);
      assert.ok(at instanceof Date);
      assert.deepEqual(kept, {
        type: 'password.accepted',
        actor: first.actor,
        target: first.target,
        result: 'success',
        reason: 'known',
        details: { known: true, tries: 2, lane: null },
        requestId: first.context.requestId,
        address: '192.0.2.7',
        userAgent: 'Browser/1',
        personal: { name: 'Ada' },
      });
    });

    test('an event of a transaction that fails is not there, nor is the key made for it', async () => {
      const undone = event();
      await assert.rejects(
        stores.inTransaction(async ({ audit }) => {
          await audit.record(undone);
          throw new Error('undone');
        }),
        /undone/,
      );
      assert.equal(await reader.count({ person: undone.actor }, 10), 0);
      await write(undone);
      const { items } = await reader.list({ person: undone.actor }, { limit: 10 });
      assert.equal(items[0]?.address, '192.0.2.7');
    });

    test('parallel first events of one person share one key', async () => {
      const one = event();
      await Promise.all(Array.from({ length: 10 }, () => write(one)));
      const { items } = await reader.list({ person: one.actor }, { limit: 20 });
      assert.deepEqual(
        items.map(({ address }) => address),
        Array.from({ length: 10 }, () => '192.0.2.7'),
      );
    });

    test('in one trip an event about somebody who was not named beforehand undoes the act it tells of', async () => {
      const other = await addUser(stores);
      const act = (about: string) =>
        stores.inOneTrip(({ audit, knownBrowsers }) =>
          Promise.all([
            knownBrowsers.insert(`of ${about}`, about, 'test'),
            audit.record(event({ actor: about, target: about })),
          ]),
        );
      await assert.rejects(act(other), /not named beforehand/);
      const { rows } = await sql<{ token_hash: string }>`
        select token_hash from known_browsers where user_id = ${other}`.execute(stores.database.kysely);
      assert.deepEqual(rows, []);
    });

    test('erasing a person makes their fields unreadable, keeps the events, and seals nothing more for them', async () => {
      const gone = event({ personal: { username: 'ada' } });
      const operator = newId();
      await write(
        gone,
        event({ type: 'user.disabled', actor: operator, target: gone.target, personal: { name: 'Ada' } }),
      );
      await keys.destroy(database.kysely, gone.target);
      await write(event({ type: 'user.erased', actor: gone.actor, target: gone.target }));
      const { items } = await reader.list({ target: gone.target }, { limit: 10 });
      assert.equal(items.length, 3);
      assert.deepEqual(
        items.map(({ personal }) => personal),
        [null, null, null],
      );
      // The operator's own address is the operator's.
      assert.deepEqual(
        items.map(({ address }) => address),
        [null, '192.0.2.7', null],
      );
      const dump = await sql<{
        row: string;
      }>`select e::text as row from audit_events e where target = ${gone.target}`.execute(database.kysely);
      for (const { row } of dump.rows) assert.doesNotMatch(row, /192\.0\.2\.7|Browser|\b[Aa]da\b/);
    });

    test('an import makes the keys of its people, and gives none to whoever was erased under the same id', async () => {
      const [id, erased] = [newId(), newId()];
      const newUser = (own: string) => ({
        id: own,
        username: own,
        email: null,
        emailVerified: false,
        passwordHash: null,
        roles: [],
        claims: {},
        locale: null,
      });
      await keys.destroy(database.kysely, erased);
      const people = [id, erased].map((own) => ({
        user: newUser(own),
        authenticators: [],
        recoveryCodes: undefined,
      }));
      await stores.inTransaction(({ imports }) => imports.insertAll(people));
      const rowOf = (subject: string) =>
        database.kysely.selectFrom('person_keys').selectAll().where('subject', '=', subject).executeTakeFirstOrThrow();
      assert.notEqual((await rowOf(id)).key_sealed, null);
      assert.equal((await rowOf(erased)).key_sealed, null);
      // A reader that knows no key yet, as another replica.
      const elsewhere = new PostgresAuditReader(database.kysely, new PersonKeys(stores.secretBox, systemClock));
      for (const own of [id, erased]) {
        await write(event({ actor: own, target: own, personal: { username: own } }));
        const { items } = await elsewhere.list({ target: own }, { limit: 1 });
        assert.deepEqual(
          items.map(({ personal }) => personal),
          [own === id ? { username: own } : null],
        );
      }
    });

    test('nothing personal stands in the rows in the clear', async () => {
      const one = event({ personal: { username: 'grace' }, target: newId() });
      await write(one);
      const { rows } = await sql<{
        row: string;
      }>`select e::text as row from audit_events e where target = ${one.target}`.execute(database.kysely);
      assert.equal(rows.length, 1);
      assert.doesNotMatch(rows[0]?.row ?? '', /192\.0\.2\.7|Browser|grace/);
    });

    test('K10 what strangers send stays one line of one record, encoded and cut', async () => {
      const evil = 'a\r\nINFO forged\u001b[31m"}\u2028\u2029\u0000\ud800\u202e,';
      const one = event({
        target: `client:${evil}`,
        reason: evil,
        details: { [evil]: evil, big: 'x'.repeat(1_000_000), 'not a number': Number.NaN },
        personal: { name: evil.repeat(10_000) },
        context: { requestId: evil, address: evil, userAgent: `${evil}${'y'.repeat(1_000_000)}` },
      });
      await write(one);
      const { items } = await reader.list({ actor: one.actor }, { limit: 10 });
      assert.equal(items.length, 1);
      const text = JSON.stringify(items[0]);
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(text, /\\[nrtu]|\\u00|[\u0000-\u001f\u007f\u2028\u2029\u202e]/);
      assert.ok(text.length < 6000, `${text.length} characters`);
    });

    test('nobody changes or removes an event, the owner included', async () => {
      await write(event());
      for (const statement of [
        sql`update audit_events set reason = 'edited'`,
        sql`delete from audit_events`,
        sql`truncate audit_events`,
        sql`truncate audit_events_other`,
        sql`truncate audit_seals`,
      ]) {
        await assert.rejects(statement.execute(database.kysely), { code: '42501' });
      }
      assert.ok((await reader.count({}, 1000)) > 0);
    });

    test('pages go from the newest to the oldest without a gap, and a foreign cursor is refused', async () => {
      const person = newId();
      for (let n = 0; n < 7; n += 1) await write(event({ actor: person, target: person, details: { n } }));
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await reader.list({ person }, { limit: 3, cursor });
        seen.push(...page.items.map(({ details }) => details['n']));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(seen, [6, 5, 4, 3, 2, 1, 0]);
      await assert.rejects(reader.list({}, { limit: 3, cursor: "1' or true" }), {
        code: 'invalid_input',
        field: 'cursor',
      });
    });

    test('filters by type, result, request and time', async () => {
      const person = newId();
      const trace = newId();
      const context = { requestId: trace, address: '', userAgent: '' };
      await write(
        event({ actor: person, target: person, context }),
        event({ actor: person, target: person, type: 'session.ended', result: 'failure' }),
      );
      const types = async (filter: Parameters<typeof reader.list>[0]) =>
        (await reader.list(filter, { limit: 10 })).items.map(({ type }) => type);
      assert.deepEqual(await types({ person, types: ['session.ended'] }), ['session.ended']);
      assert.deepEqual(await types({ person, result: 'success' }), ['password.accepted']);
      assert.deepEqual(await types({ requestId: trace }), ['password.accepted']);
      assert.deepEqual(await types({ person, to: new Date(0) }), []);
      assert.equal((await types({ person, from: new Date(0) })).length, 2);
      assert.deepEqual(await types({ requestId: '' }), []);
    });

    test('streams everything, oldest first', async () => {
      const person = newId();
      const many = Array.from({ length: 1203 }, (_, n) => event({ actor: person, target: person, details: { n } }));
      for (let at = 0; at < many.length; at += 200) await write(...many.slice(at, at + 200));
      const seen: unknown[] = [];
      for await (const record of reader.stream({ person })) seen.push(record.details['n']);
      assert.deepEqual(
        seen,
        many.map((_, n) => n),
      );
    });
  });
}
