import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runCommand } from '../support/run-command.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

const base32 = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const other = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const bcryptHash = '$2b$12$' + 'a'.repeat(53);

for (const shape of ['servers', 'embedded'] as const satisfies readonly Shape[]) {
  describe(`lines of an import, ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape);
    });
    after(() => service.close());

    const importAll = async (lines: readonly (object | string)[]) => {
      const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      const results = [];
      const source = (async function* () {
        yield* texts;
      })();
      for await (const result of service.composed.services.importUsers(source, [], 'test', testContext)) {
        results.push(result);
      }
      return results;
    };
    const find = (username: string) => service.composed.services.manageUsers.find(username);

    test('a bad line is told by number and reason, and nothing else is lost', async () => {
      const good = Array.from({ length: 450 }, (_, at) => ({
        username: `many-${at}`,
        email: `many-${at}@example.com`,
      }));
      const lines: (object | string)[] = [...good];
      lines.splice(10, 0, 'no JSON');
      lines.splice(200, 0, { username: 'with space' });
      lines.splice(201, 0, { username: 'many-3', email: 'elsewhere@example.com' });
      lines.splice(300, 0, { username: 'thief', email: 'MANY-7@example.com' });
      lines.splice(301, 0, '');
      const results = await importAll(lines);
      assert.deepEqual(
        results.filter(({ result }) => result !== 'created').map(({ line, result, reason }) => [line, result, reason]),
        [
          [11, 'refused', 'the line is no JSON'],
          [201, 'refused', 'username: must be 1 to 254 printable characters without spaces'],
          [202, 'refused', 'username: there is such a user; set "update": true to replace what it has'],
          [301, 'refused', 'email: this is the name or address of another user'],
        ],
      );
      assert.deepEqual(
        results.map(({ line }) => line),
        results.map(({ line }) => line).sort((a, b) => a - b),
      );
      assert.equal((await find('many-449')).email, 'many-449@example.com');
      const events = await service.composed.services.database.kysely
        .selectFrom('audit_events')
        .select(['type', 'result', 'details'])
        .where('type', 'in', ['import.started', 'import.completed'])
        .orderBy('id')
        .execute();
      assert.deepEqual(events, [
        { type: 'import.started', result: 'success', details: {} },
        { type: 'import.completed', result: 'success', details: { count: 454, succeeded: 450, failed: 4 } },
      ]);
    });

    test('"update": true replaces what the line tells of, and leaves the rest', async () => {
      const totp = [{ secret: base32 }];
      await importAll([{ username: 'bea', email: 'bea@example.com', password_hash: bcryptHash, totp }]);
      const before = await find('bea');
      const [refused] = await importAll([{ username: 'BEA', password_hash: bcryptHash }]);
      assert.equal(refused?.result, 'refused');
      assert.deepEqual(await find('bea'), before);
      const [renamed, again] = await importAll([
        { username: 'bea', email: 'bea@new.example', claims: { name: 'Bea' }, update: true },
        { username: 'bea', totp: [{ secret: other }, { secret: base32 }], update: true },
      ]);
      assert.deepEqual([renamed?.result, again?.result], ['updated', 'updated']);
      const now = await find('bea');
      assert.deepEqual([now.email, now.claims, now.passwordHash], ['bea@new.example', { name: 'Bea' }, bcryptHash]);
      assert.equal((await service.composed.services.status(now.id)).authenticators.length, 2);
      const [taken] = await importAll([{ username: 'bea@new.example', update: true }]);
      assert.equal(taken?.reason, 'username: this is the address of another user');
    });

    test('K an import replaces nothing of somebody who holds a role', async () => {
      const { manageUsers } = service.composed.services;
      const user = { username: 'root', email: null, emailVerified: false, roles: ['operator'] as const };
      const { id } = await manageUsers.create(user, 'test', testContext);
      const [line] = await importAll([
        { username: 'root', password_hash: bcryptHash, totp: [{ secret: base32 }], update: true },
      ]);
      assert.equal(line?.result, 'refused');
      assert.equal((await manageUsers.find(id)).passwordHash, null);
    });

    test('two imports of the same people at once take each in once', async () => {
      const lines = Array.from({ length: 250 }, (_, at) => ({ username: `twice-${at}` }));
      const both = await Promise.all([importAll(lines), importAll(lines)]);
      const made = both.flat().filter(({ result }) => result === 'created');
      assert.equal(made.length, 250);
      assert.equal(new Set(made.map(({ username }) => username)).size, 250);
    });

    test('an import that is broken off is recorded so, and what was told is in', async () => {
      const lines = (async function* () {
        for (let at = 0; ; at += 1) yield JSON.stringify({ username: `endless-${at}` });
      })();
      let told = 0;
      for await (const { result } of service.composed.services.importUsers(lines, [], 'broken', testContext)) {
        assert.equal(result, 'created');
        if ((told += 1) === 5) break;
      }
      assert.equal((await find('endless-4')).username, 'endless-4');
      const last = await service.composed.services.database.kysely
        .selectFrom('audit_events')
        .select(['type', 'result'])
        .where('actor', '=', 'broken')
        .where('type', 'like', 'import.%')
        .orderBy('id', 'desc')
        .executeTakeFirst();
      assert.deepEqual(last, { type: 'import.completed', result: 'failure' });
    });

    test('the command line closes with a report of counts and speed', async () => {
      const out = await runCommand(service.composed.services, 'users import', {}, ['{"username":"reported"}']);
      assert.match(out.at(-1) ?? '', /^1 created, 0 updated, 0 refused: 1 lines in [\d.]+ s, \d+ a second$/);
    });
  });
}
