import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { accountToken, appToken, registerAccountApp, signInForApp } from '../support/account-app.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { TestClock } from '../support/test-clock.ts';
import { UserAgent } from '../support/user-agent.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly items?: readonly Record<string, unknown>[] };
}

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`the account API on ${shape}`, () => {
    let service: TestService;
    const clock = new TestClock(20_000);
    before(async () => {
      service = await startService(shape, { clock });
      await registerAccountApp(service);
    });
    after(() => service.close());
    // Each test has time steps of its own.
    beforeEach(() => clock.advance(30));

    async function call(
      token: string,
      method: string,
      path: string,
      body?: Record<string, unknown>,
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      const response = await fetch(`${service.issuer}/account/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
    }

    /** A code that was not used yet. */
    function nextCode(person: TestPerson): string {
      clock.advance(30);
      return person.code();
    }

    function codeOfSecret(secret: string, offset = 0): string {
      const bytes = secretFromBase32(secret);
      assert.ok(bytes);
      return oneTimeCode(
        { secret: bytes, algorithm: 'SHA1', digits: 6, periodSeconds: 30 },
        timeStepAt(clock.epochSeconds(), 30) + offset,
      );
    }

    async function enrolAnother(token: string): Promise<{ id: string; secret: string }> {
      const started = await call(token, 'POST', '/second-factor/totp', { label: 'Tablet' });
      assert.equal(started.status, 201);
      return started.body as unknown as { id: string; secret: string };
    }

    function assertAsksStepUp({ status, headers, body }: Answer): void {
      assert.equal(status, 401);
      assert.equal(body['code'], 'insufficient_user_authentication');
      const challenge = headers.get('www-authenticate') ?? '';
      assert.match(challenge, /^Bearer error="insufficient_user_authentication"/);
      assert.match(challenge, /acr_values="urn:twofold:acr:2fa"/);
      assert.match(challenge, /max_age=300/);
    }

    test('takes nothing but a token of a person with the account’s audience and scope', async () => {
      const person = await service.addPerson();
      const none = await fetch(`${service.issuer}/account/api/v1/second-factor`);
      assert.equal(none.status, 401);
      assert.match(none.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal(none.headers.get('content-type'), 'application/problem+json');
      const garbage = await call('a'.repeat(43), 'GET', '/second-factor');
      assert.equal(garbage.status, 401);
      assert.match(garbage.headers.get('www-authenticate') ?? '', /invalid_token/);
      const { resource: _resource, ...fields } = await signInForApp(service, person);
      const userinfoToken = await appToken(service.issuer, fields);
      assert.equal((await call(userinfoToken.access_token, 'GET', '/second-factor')).status, 401);
    });

    test('a disabled person’s token is refused at the next call', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      assert.equal((await call(token, 'GET', '/second-factor')).status, 200);
      await service.composed.services.inTransaction(({ users }) => users.setDisabled(person.id, true));
      assert.equal((await call(token, 'GET', '/second-factor')).status, 401);
    });

    test('D19 ids of another person are not there', async () => {
      const [mine, theirs] = [await service.addPerson(), await service.addPerson()];
      const token = await accountToken(service, mine);
      const other = await accountToken(service, theirs);
      const { body } = await call(other, 'GET', '/second-factor');
      const [authenticator] = body['authenticators'] as { id: string }[];
      const sessions = await call(other, 'GET', '/sessions');
      const id = authenticator?.id ?? '';
      const session = String(sessions.body.items?.[0]?.['id']);
      const code = nextCode(mine);
      const unknown = '00000000-0000-4000-8000-000000000000';
      for (const [a, b] of [
        [
          await call(token, 'PATCH', `/second-factor/totp/${id}`, { label: 'x' }),
          await call(token, 'PATCH', `/second-factor/totp/${unknown}`, { label: 'x' }),
        ],
        [
          await call(token, 'POST', `/second-factor/totp/${id}/remove`, { code }),
          await call(token, 'POST', `/second-factor/totp/${unknown}/remove`, { code }),
        ],
        [
          await call(token, 'DELETE', `/sessions/${session}`),
          await call(token, 'DELETE', `/sessions/${'x'.repeat(21)}`),
        ],
      ]) {
        assert.equal(a?.status, 404);
        assert.deepEqual({ ...a?.body, request_id: '' }, { ...b?.body, request_id: '' });
      }
      assert.equal((await call(other, 'GET', '/sessions')).status, 200);
    });

    test('D01 a change without a code needs both factors proven within five minutes; a code needs nothing else', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const { body } = await call(token, 'GET', '/second-factor');
      const [authenticator] = body['authenticators'] as { id: string }[];
      const id = authenticator?.id ?? '';
      const fresh = await call(token, 'PATCH', `/second-factor/totp/${id}`, { label: 'Old phone' });
      assert.equal(fresh.status, 200);
      assert.equal(fresh.body['label'], 'Old phone');
      clock.advance(301);
      assertAsksStepUp(await call(token, 'PATCH', `/second-factor/totp/${id}`, { label: 'x' }));
      assertAsksStepUp(await call(token, 'POST', '/second-factor/totp', { label: 'x' }));
      assertAsksStepUp(await call(token, 'DELETE', '/sessions'));
      assertAsksStepUp(await call(token, 'DELETE', '/applications'));
      const code = nextCode(person);
      assert.equal((await call(token, 'PATCH', `/second-factor/totp/${id}`, { label: 'New', code })).status, 200);
      const again = await call(token, 'PATCH', `/second-factor/totp/${id}`, { label: 'Again', code });
      assert.equal(again.status, 422, 'a code serves one act');
      assert.equal(again.body['code'], 'wrong_code');
      // Somebody signs in again in the same session: the older token is no fresher for it.
      assertAsksStepUp(await call(token, 'DELETE', '/sessions'));
    });

    test('adds, confirms, renames and removes authenticators as the contract says', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const first = await enrolAnother(token);
      const replaced = await enrolAnother(token);
      assert.notEqual(first.id, replaced.id);
      const code = codeOfSecret(replaced.secret);
      assert.equal((await call(token, 'POST', `/second-factor/totp/${first.id}/confirm`, { code })).status, 404);
      const wrong = await call(token, 'POST', `/second-factor/totp/${replaced.id}/confirm`, { code: '000000' });
      assert.equal(wrong.status, 422);
      const confirmed = await call(token, 'POST', `/second-factor/totp/${replaced.id}/confirm`, { code });
      assert.equal(confirmed.status, 200);
      // The person had an authenticator and no codes: they come with this one.
      assert.equal((confirmed.body['recovery_codes'] as string[]).length, 10);
      const { body } = await call(token, 'GET', '/second-factor');
      assert.equal(body['enabled'], true);
      assert.equal(body['required'], true);
      assert.equal(body['recovery_codes_remaining'], 10);
      const list = body['authenticators'] as Record<string, unknown>[];
      assert.equal(list.length, 2);
      assert.deepEqual(Object.keys(list[0] ?? {}).sort(), ['created_at', 'id', 'label', 'last_used_at', 'type']);
      const [recoveryCode = ''] = confirmed.body['recovery_codes'] as string[];
      const removed = await call(token, 'POST', `/second-factor/totp/${String(list[0]?.['id'])}/remove`, {
        code: recoveryCode.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l'),
      });
      assert.equal(removed.status, 204, JSON.stringify(removed.body));
      const last = await call(token, 'POST', `/second-factor/totp/${replaced.id}/remove`, { code: '000000' });
      assert.equal(last.status, 409);
      assert.equal(last.body['code'], 'last_authenticator');
    });

    test('D04 D05 D06 a pending authenticator opens nothing, is nobody else’s, and has ten tries', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const token = await accountToken(service, person);
      const foreign = await accountToken(service, other);
      const { id, secret } = await enrolAnother(token);
      const agent = new UserAgent(service.issuer);
      clock.advance(30);
      const refused = await agent.submit(await agent.submitPassword(await agent.begin(), person), {
        code: codeOfSecret(secret),
      });
      assert.equal(refused.error?.code, 'wrong-code');
      const stolen = await call(foreign, 'POST', `/second-factor/totp/${id}/confirm`, { code: codeOfSecret(secret) });
      assert.equal(stolen.status, 404);
      for (let n = 0; n < 9; n += 1) {
        assert.equal((await call(token, 'POST', `/second-factor/totp/${id}/confirm`, { code: '000000' })).status, 422);
      }
      assert.equal((await call(token, 'POST', `/second-factor/totp/${id}/confirm`, { code: '000000' })).status, 404);
      const late = await call(token, 'POST', `/second-factor/totp/${id}/confirm`, { code: codeOfSecret(secret) });
      assert.equal(late.status, 404);
      assert.equal(((await call(token, 'GET', '/second-factor')).body['authenticators'] as unknown[]).length, 1);
    });

    test('D07 a secret is shown once and stands in no other answer', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const { id, secret } = await enrolAnother(token);
      await call(token, 'POST', `/second-factor/totp/${id}/confirm`, { code: codeOfSecret(secret) });
      for (const path of ['/second-factor', '/export', '/activity', '/sessions', '/applications']) {
        const answer = await call(token, 'GET', path);
        assert.equal(answer.status, 200, path);
        assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
        const text = JSON.stringify(answer.body);
        assert.ok(!text.includes(secret) && !/\$argon2|otpauth|sealed/.test(text), path);
      }
    });

    test('D13 D14 new recovery codes make the old ones void', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const one = await call(token, 'POST', '/second-factor/recovery-codes', { code: nextCode(person) });
      assert.equal(one.status, 201);
      const two = await call(token, 'POST', '/second-factor/recovery-codes', { code: nextCode(person) });
      const [old = ''] = one.body['recovery_codes'] as string[];
      const refused = await call(token, 'POST', '/second-factor/recovery-codes', { code: old });
      assert.equal(refused.status, 422);
      const [current = ''] = two.body['recovery_codes'] as string[];
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => call(token, 'POST', '/second-factor/recovery-codes', { code: current })),
      );
      assert.equal(answers.filter(({ status }) => status === 201).length, 1, 'a code serves once');
    });

    test('B13 guesses here are charged like at every other door, and the fifth ends them for this session', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const remove = (code: string): Promise<Answer> => call(token, 'POST', '/second-factor/recovery-codes', { code });
      for (let n = 0; n < 4; n += 1) assert.equal((await remove('000000')).status, 422);
      assertAsksStepUp(await remove('000000'));
      assertAsksStepUp(await remove(nextCode(person)));
      const guard = await service.composed.services.inTransaction(({ guards }) => guards.readGuard(person.id));
      assert.equal(guard.total, 5);
      assert.equal(guard.lanes.other.inARow, 5);
      // The sign-in page waits, too.
      const agent = new UserAgent(service.issuer);
      const step = await agent.submit(await agent.submitPassword(await agent.begin(), person), { code: '111111' });
      assert.equal(step.error?.code, 'wait');
    });

    test('D17 a new password takes the old one and a code, and ends every other session', async () => {
      const person = await service.addPerson();
      const elsewhere = new UserAgent(service.issuer);
      await elsewhere.signIn(person);
      clock.advance(30);
      const token = await accountToken(service, person);
      const change = (fields: Record<string, string>): Promise<Answer> => call(token, 'POST', '/password', fields);
      const good = { current_password: person.password, new_password: 'another horse battery', code: '' };
      assert.equal((await change({ ...good })).body['field'], 'code');
      const code = nextCode(person);
      assert.equal((await change({ ...good, code, new_password: 'password' })).body['code'], 'password_common');
      assert.equal((await change({ ...good, code, new_password: 'short' })).body['code'], 'password_too_short');
      assert.equal((await change({ ...good, code, current_password: 'nonsense' })).body['code'], 'wrong_password');
      assert.equal((await change({ ...good, code })).status, 204);
      const silent = await elsewhere.begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /error=login_required/);
      const agent = new UserAgent(service.issuer);
      assert.equal((await agent.submitPassword(await agent.begin(), person)).error?.code, 'wrong-password');
      const guard = await service.composed.services.inTransaction(({ guards }) => guards.readGuard(person.id));
      assert.equal(guard.total, 0);
    });

    test('D20 D21 sessions and applications are listed by pages, and end at once', async () => {
      const person = await service.addPerson();
      const rp = new UserAgent(service.issuer);
      const tokens = await rp.redeem(
        await rp.signIn(person, { scope: 'openid email offline_access', prompt: 'consent' }),
      );
      clock.advance(30);
      const token = await accountToken(service, person);
      const page = await call(token, 'GET', '/sessions?limit=1');
      assert.equal(page.body.items?.length, 1);
      const rest = await call(token, 'GET', `/sessions?limit=1&cursor=${String(page.body['next_cursor'])}`);
      const all = [...(page.body.items ?? []), ...(rest.body.items ?? [])];
      assert.equal(all.length, 2);
      assert.equal(rest.body['next_cursor'], null);
      assert.equal(all.filter((one) => one['current'] === true).length, 1);
      const applications = await call(token, 'GET', '/applications');
      const listed = applications.body.items?.find((one) => one['client_id'] === 'rp');
      assert.deepEqual([listed?.['name'], listed?.['scopes']], ['Test client', ['openid', 'email', 'offline_access']]);
      assert.ok(listed?.['last_used_at']);
      assert.equal((await call(token, 'DELETE', '/applications/rp')).status, 204);
      assert.equal((await call(token, 'DELETE', '/applications/rp')).status, 404);
      const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
      assert.equal(me.status, 401);
      const other = all.find((one) => one['current'] !== true);
      assert.equal((await call(token, 'DELETE', `/sessions/${String(other?.['id'])}`)).status, 204);
      const silent = await rp.begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /error=login_required/);
      assert.equal((await call(token, 'GET', '/sessions?limit=500')).status, 400);
    });

    test('F15 trusted browsers are listed and forgotten, one or all', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const trust = (): Promise<unknown> =>
        service.composed.services.trustedBrowsers.trust({
          userId: person.id,
          clientId: 'rp',
          days: 30,
          replaces: undefined,
          context: testContext,
        });
      for (let n = 0; n < 3; n += 1) await trust();
      const listed = await call(token, 'GET', '/trusted-browsers');
      assert.equal(listed.body.items?.length, 3);
      const id = String(listed.body.items?.[0]?.['id']);
      assert.equal((await call(token, 'DELETE', `/trusted-browsers/${id}`)).status, 204);
      assert.equal((await call(token, 'DELETE', `/trusted-browsers/${id}`)).status, 404);
      assert.equal((await call(token, 'DELETE', '/trusted-browsers')).status, 204);
      assert.equal((await call(token, 'GET', '/trusted-browsers')).body.items?.length, 0);
    });

    test('tells what happened, by pages, and exports it', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const page = await call(token, 'GET', '/activity?limit=1');
      assert.equal(page.body.items?.length, 1);
      const rest = await call(token, 'GET', `/activity?cursor=${String(page.body['next_cursor'])}`);
      const types = [...(page.body.items ?? []), ...(rest.body.items ?? [])].map((one) => one['type']);
      assert.ok(types.includes('sign-in.completed'));
      const data = await call(token, 'GET', '/export');
      assert.equal((data.body['account'] as Record<string, unknown>)['username'], person.username);
      assert.ok((data.body['activity'] as unknown[]).length > 0);
    });

    test('D24 begun enrolments are limited and leave one pending row', async () => {
      const person = await service.addPerson();
      const token = await accountToken(service, person);
      const answers = await Promise.all(
        Array.from({ length: 15 }, () => call(token, 'POST', '/second-factor/totp', { label: 'x' })),
      );
      const made = answers.filter(({ status }) => status === 201).length;
      assert.equal(made, 10);
      assert.ok(answers.filter(({ status }) => status === 429).every(({ headers }) => headers.get('retry-after')));
      const rows = await service.composed.services.database.kysely
        .selectFrom('authenticators')
        .select('id')
        .where('user_id', '=', person.id)
        .where('confirmed_at', 'is', null)
        .execute();
      assert.equal(rows.length, 1);
      assert.equal((await call(token, 'DELETE', '/second-factor/totp/pending')).status, 204);
    });
  });
}
