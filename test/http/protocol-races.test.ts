import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startService, type TestService } from '../support/service.ts';
import { movingClock } from '../support/moving-clock.ts';
import { addProtocolClient, dpopProof, keyPair, pkce, post, type Answer } from '../support/protocol-client.ts';
import { testContext } from '../support/stores.ts';
import { untilMarked } from '../support/until-marked.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

describe('three replicas, one winner', () => {
  const clock = movingClock();
  let service: TestService;
  before(async () => {
    service = await startService('servers', { replicas: 3, clock });
    await service.composed.services.manageRelyingParties.apply(
      {
        client_id: 'public',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['https://public.example/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      'test',
      testContext,
    );
  });
  after(() => service.close());

  const everywhere = (count: number, work: (at: string) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: count }, (_, n) => work(service.addresses[n % service.addresses.length] ?? '')));
  const wins = (answers: readonly Answer[]): Answer[] => answers.filter(({ status }) => status < 300);

  test('E14 of many parallel uses of one client assertion one is accepted', async () => {
    const client = await addProtocolClient(service, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
    const assertion = await client.assertion();
    const answers = await everywhere(12, (at) =>
      client.post('/token', { grant_type: 'client_credentials' }, { at, assertion }),
    );
    assert.equal(wins(answers).length, 1);
    for (const { body } of answers.filter(({ status }) => status >= 300)) assert.equal(body.error, 'invalid_client');
  });

  test('E16 of many parallel uses of one DPoP proof one is accepted', async () => {
    const client = await addProtocolClient(service, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
    const dpop = await dpopProof(await keyPair(), 'POST', `${service.issuer}/token`);
    const answers = await everywhere(12, (at) =>
      client.post('/token', { grant_type: 'client_credentials' }, { at, headers: { dpop } }),
    );
    assert.equal(wins(answers).length, 1);
    assert.equal(wins(answers)[0]?.body['token_type'], 'DPoP');
  });

  test('E17 a pushed request serves one sign-in', async () => {
    const client = await addProtocolClient(service);
    const { verifier, parameters } = pkce();
    const pushed = await client.post('/par', {
      ...parameters,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: client.redirectUri,
    });
    assert.equal(pushed.status, 201, JSON.stringify(pushed.body));
    const request = { client_id: client.id, request_uri: String(pushed.body['request_uri']) };
    const person = await service.addPerson();
    const path = `/auth?${new URLSearchParams(request).toString()}`;
    const [one, two] = [new UserAgent(service.issuer), new UserAgent(service.issuer)];
    // Looked at twice before anybody signed in, it still works.
    const second = await two.follow(path);
    const first = await one.follow(path);
    assert.deepEqual([first.page, second.page], ['password', 'password']);
    let finished = await one.submit(await one.submitPassword(first, person), { code: person.code() });
    if (finished.page === 'consent') finished = await one.submit(finished, { decision: 'allow' });
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
    };
    assert.equal((await client.post('/token', fields)).status, 200);
    assert.equal((await one.get(path)).status, 400, 'used up');
  });

  async function refreshToken(): Promise<string> {
    const person = await service.addPerson();
    const { verifier, parameters } = pkce();
    const agent = new UserAgent(service.issuer);
    const redirect = 'https://public.example/callback';
    const finished = await agent.signIn(person, {
      client_id: 'public',
      redirect_uri: redirect,
      scope: 'openid offline_access',
      prompt: 'consent',
      ...parameters,
    });
    const answer = await post(`${service.issuer}/token`, {
      grant_type: 'authorization_code',
      client_id: 'public',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: redirect,
    });
    return String(answer.body['refresh_token']);
  }
  const refresh = (token: string, at = service.issuer): Promise<Answer> =>
    post(`${at}/token`, { grant_type: 'refresh_token', client_id: 'public', refresh_token: token });

  test('of many parallel refreshes of a public client there is one successor', async () => {
    const token = await refreshToken();
    const answers = wins(await everywhere(15, (at) => refresh(token, at)));
    assert.ok(answers.length >= 1);
    const successors = new Set(answers.map(({ body }) => body['refresh_token']));
    assert.equal(successors.size, 1);
    assert.notEqual([...successors][0], token);
    assert.equal((await refresh(String([...successors][0]))).status, 200, 'and it works');
  });

  test('a client that lost the answer gets the same successor for 30 seconds, while that is unused', async () => {
    const token = await refreshToken();
    const first = await refresh(token);
    const successor = String(first.body['refresh_token']);
    const again = await refresh(token, service.addresses[1]);
    assert.equal(again.status, 200);
    assert.equal(again.body['refresh_token'], successor);
    const next = await refresh(successor, service.addresses[2]);
    assert.equal(next.status, 200);
    // The successor was used: the old token is a thief's, or its owner's, and nobody can tell.
    await untilMarked(service, token);
    clock.move(2);
    assert.equal((await refresh(token)).body.error, 'invalid_grant');
    assert.equal((await refresh(String(next.body['refresh_token']))).body.error, 'invalid_grant', 'the family ended');
  });

  test('after 30 seconds the previous token ends the family, its successor unused or not', async () => {
    const token = await refreshToken();
    const successor = String((await refresh(token)).body['refresh_token']);
    const reuses = async (): Promise<number> => {
      const { kysely } = service.composed.services.database;
      const found = await kysely.selectFrom('audit_events').select('id').where('type', '=', 'token.reused').execute();
      return found.length;
    };
    const before = await reuses();
    clock.move(31);
    const reused = await everywhere(5, (at) => refresh(token, at));
    for (const { body } of reused) assert.equal(body.error, 'invalid_grant');
    assert.equal(await reuses(), before + 1, 'it is recorded once, however many came');
    assert.equal((await refresh(successor)).body.error, 'invalid_grant');
  });
});
