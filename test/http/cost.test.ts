import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { countCalls, describeCalls, type Calls } from '../support/count-calls.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

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

  function assertAtMost(calls: Calls, statements: number, redisCommands: number): void {
    assert.ok(calls.statements.length <= statements, `more than ${statements} statements:\n${describeCalls(calls)}`);
    assert.ok(calls.redisCommands.length <= redisCommands, `more than ${redisCommands}:\n${describeCalls(calls)}`);
  }

  test('a sign-in stays under its ceiling, step by step', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const begun = await countCalls(() => agent.begin());
    const password = await countCalls(() => agent.submitPassword(begun.result, person));
    const code = await countCalls(() => agent.submit(password.result, { code: person.code() }));
    const redeemed = await countCalls(() => agent.redeem({ ...code.result, verifier: begun.result.verifier }));
    assert.ok(redeemed.result.id_token);
    assertAtMost(begun, 1, 3);
    assertAtMost(password, 6, 4);
    assertAtMost(code, 21, 7);
    assertAtMost(redeemed, 5, 1);
  });

  test('a refresh stays under its ceiling', async () => {
    const agent = new UserAgent(service.issuer);
    const wanted = { scope: 'openid offline_access', prompt: 'consent' };
    const { refresh_token: token = '' } = await agent.redeem(await agent.signIn(await service.addPerson(), wanted));
    const basic = btoa(`${testClient.id}:${encodeURIComponent(testClient.secret)}`);
    const refreshed = await countCalls(() =>
      fetch(`${service.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
      }),
    );
    assert.equal(refreshed.result.status, 200);
    assertAtMost(refreshed, 3, 1);
  });
});
