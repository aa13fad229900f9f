import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { countCalls, describeCalls, type Calls } from '../support/count-calls.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

/** A relying party is looked up again once a second, whatever is asked meanwhile: by chance within a request. */
const lookUp = /^\s*select (?:secret_hash|\* from "relying_parties")/;

/**
 * What `npm run bench` measures is mostly the number of times the service asks its stores. Counted, it cannot creep back
 * unseen. Whoever lowers a count lowers its ceiling; whoever must raise one says why in the commit.
 */
describe('what a sign-in asks of the stores', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers');
    const firstParty = {
      client_id: testClient.id,
      client_secret: testClient.secret,
      redirect_uris: [testClient.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      first_party: true,
    };
    await service.composed.services.manageRelyingParties.apply(firstParty, 'test', testContext);
    const warm = new UserAgent(service.issuer);
    await warm.redeem(await warm.signIn(await service.addPerson()));
  });
  after(() => service.close());

  function assertAtMost(calls: Calls, trips: number, redisCommands: number): void {
    const asked = calls.trips - calls.statements.filter((text) => lookUp.test(text)).length;
    assert.ok(asked <= trips, `more than ${trips} trips to PostgreSQL:\n${describeCalls(calls)}`);
    assert.ok(calls.redisCommands.length <= redisCommands, `more than ${redisCommands}:\n${describeCalls(calls)}`);
  }

  const basic = `Basic ${btoa(`${testClient.id}:${encodeURIComponent(testClient.secret)}`)}`;
  const refresh = (token: string): Promise<Response> =>
    fetch(`${service.issuer}/token`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    });

  test('a sign-in stays under its ceiling, step by step', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const begun = await countCalls(() => agent.begin());
    const password = await countCalls(() => agent.submitPassword(begun.result, person));
    const code = await countCalls(() => agent.submit(password.result, { code: person.code() }));
    const redeemed = await countCalls(() => agent.redeem({ ...code.result, verifier: begun.result.verifier }));
    assert.ok(redeemed.result.id_token);
    assertAtMost(begun, 0, 3);
    // One of them makes the key of somebody whose first sign-in it is.
    assertAtMost(password, 3, 4);
    assertAtMost(code, 3, 6);
    // When it was answered is noted later, for many answers at once.
    assertAtMost(redeemed, 2, 1);
  });

  test('however many others are signed in, a sign-in reads no session of theirs', async () => {
    // One connection, and enough sign-ins on it that its plans are made once and for all, while the table is empty and
    // has no statistics: as in the first minutes of an installation.
    const fresh = await startService('servers', { environment: { TWOFOLD_DATABASE_POOL_SIZE: '1' } });
    try {
      await readsNobodyElse(fresh);
    } finally {
      await fresh.close();
    }
  });

  async function readsNobodyElse(service: TestService): Promise<void> {
    const { kysely } = service.composed.services.database;
    for (let count = 0; count < 8; count += 1) {
      const agent = new UserAgent(service.issuer);
      await agent.redeem(await agent.signIn(await service.addPerson(), { prompt: 'consent' }));
    }
    const others = await Promise.all(Array.from({ length: 3 }, () => service.addPerson()));
    for (const { id } of others) {
      await sql`
        insert into sessions (uid, id_hash, user_id, payload, authorizations, user_agent, address, expires_at)
        select gen_random_uuid()::text, gen_random_uuid()::text, ${id}::uuid, '{}', '{}', '', '', now() + interval '1 day'
        from generate_series(1, 200)`.execute(kysely);
    }
    const read = async (): Promise<number> => {
      const { rows } = await sql<{ read: string }>`
        select pg_stat_get_tuples_returned(c.oid) + coalesce((
          select sum(pg_stat_get_tuples_returned(indexrelid)) from pg_index where indrelid = c.oid), 0) as read
        from pg_class c where c.relname = 'sessions'`.execute(kysely);
      return Number(rows[0]?.read);
    };
    const flushed = async (): Promise<number> => {
      // Each connection tells its counts a while after it was used, at the latest when it is closed.
      let before = -1;
      for (;;) {
        await Promise.all(Array.from({ length: 10 }, () => sql`select pg_stat_force_next_flush()`.execute(kysely)));
        await sleep(1200);
        const now = await read();
        if (now === before) return now;
        before = now;
      }
    };
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const before = await flushed();
    await agent.redeem(await agent.signIn(person));
    const grown = (await flushed()) - before;
    assert.ok(grown < 100, `${grown} sessions were read`);
  }

  test('a refresh stays under its ceiling', async () => {
    const agent = new UserAgent(service.issuer);
    const wanted = { scope: 'openid offline_access', prompt: 'consent' };
    const { refresh_token: token = '' } = await agent.redeem(await agent.signIn(await service.addPerson(), wanted));
    const refreshed = await countCalls(() => refresh(token));
    assert.equal(refreshed.result.status, 200);
    assertAtMost(refreshed, 1, 1);
  });
});
