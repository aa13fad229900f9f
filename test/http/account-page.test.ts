import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startService, testClient, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { TestClock } from '../support/test-clock.ts';
import { UserAgent } from '../support/user-agent.ts';

interface Page {
  readonly status: number;
  readonly name: string;
  readonly location: string;
  readonly text: string;
  readonly csrf: string;
}

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`the account page on ${shape}`, () => {
    let service: TestService;
    const clock = new TestClock(20_000);
    before(async () => {
      service = await startService(shape, {
        clock,
        environment: { TWOFOLD_ACCOUNT_DELETION: 'true', TWOFOLD_SESSIONS_PER_PERSON: '3' },
      });
    });
    after(() => service.close());
    beforeEach(() => clock.advance(30));

    function browser(): UserAgent {
      return new UserAgent(service.issuer, { 'accept-language': 'en' });
    }
    async function read(response: Response): Promise<Page> {
      const text = await response.text();
      const find = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
      return {
        status: response.status,
        name: find(/data-page="([^"]+)"/),
        location: response.headers.get('location') ?? '',
        text,
        csrf: find(/name="csrf" value="([^"]+)"/),
      };
    }
    const get = async (agent: UserAgent, path: string): Promise<Page> => read(await agent.get(path));
    /** Sends a form of the page at `from`. */
    async function send(
      agent: UserAgent,
      path: string,
      fields: Record<string, string> = {},
      from = '/account',
    ): Promise<Page> {
      const { csrf } = await get(agent, from);
      return read(await agent.post(path, { csrf, ...fields }));
    }
    async function signedIn(person: TestPerson): Promise<UserAgent> {
      const agent = browser();
      await agent.signIn(person);
      return agent;
    }
    function nextCode(person: TestPerson): string {
      clock.advance(30);
      return person.code();
    }
    async function mails(person: TestPerson): Promise<{ kind: string; payload: Record<string, unknown> }[]> {
      return service.composed.services.database.kysely
        .selectFrom('outbox')
        .select(['kind', 'payload'])
        .where('user_id', '=', person.id)
        .where('channel', '=', 'mail')
        .execute();
    }

    test('every section is there for who proved both factors, and for nobody else', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const sections = [
        ['', 'account'],
        ['/authenticators', 'authenticators'],
        ['/recovery-codes', 'account-recovery-codes'],
        ['/password', 'account-password'],
        ['/sessions', 'sessions'],
        ['/trusted-browsers', 'trusted-browsers'],
        ['/applications', 'applications'],
        ['/activity', 'activity'],
        ['/profile', 'profile'],
        ['/export', 'export'],
        ['/delete', 'delete'],
      ] as const;
      const stranger = browser();
      const half = browser();
      await half.submitPassword(await half.begin(), person);
      for (const [path, name] of sections) {
        const page = await get(agent, `/account${path}`);
        assert.equal(page.status, 200, path);
        assert.equal(page.name, name);
        for (const other of [stranger, half]) {
          const { status, location } = await get(other, `/account${path}`);
          assert.equal(status, 303);
          assert.match(location, /^\/auth\?/);
        }
      }
    });

    test('D02 D05 G05 half a sign-in and forms of another session change nothing', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const half = browser();
      await half.submitPassword(await half.begin(), person);
      const theirs = await get(await signedIn(other), '/account/authenticators');
      const mine = await signedIn(person);
      for (const path of ['/authenticators', '/authenticators/add', '/recovery-codes', '/password', '/profile']) {
        const refused = await read(await half.post(`/account${path}`, { csrf: theirs.csrf, label: 'x' }));
        assert.equal(refused.status, 303);
        assert.match(refused.location, /^\/auth\?/);
        const forged = await read(await mine.post(`/account${path}`, { csrf: theirs.csrf, label: 'x' }));
        assert.equal(forged.status, 403, path);
      }
      const { kysely } = service.composed.services.database;
      const recorded = await kysely
        .selectFrom('audit_events')
        .select(['actor', sql<{ path: string }>`details`.as('details')])
        .where('type', '=', 'request.refused')
        .execute();
      assert.deepEqual(
        new Set(recorded.map(({ details }) => details.path)).size,
        5,
        'each forged form stands in the record, by its route',
      );
      const { authenticators } = await service.composed.services.status(person.id);
      assert.equal(authenticators.length, 1);
    });

    test('D01 a form that comes late asks for a code, keeps what was typed, and a code serves that one act', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      clock.advance(301);
      const asked = await send(agent, '/account/profile', { name: 'Ada Lovelace', locale: 'de' });
      assert.equal(asked.name, 'confirm-change');
      assert.match(asked.text, /name="name" value="Ada Lovelace"/);
      const wrong = await send(agent, '/account/profile', { name: 'Ada Lovelace', locale: 'de', code: '000000' });
      assert.equal(wrong.status, 422);
      assert.equal(wrong.name, 'confirm-change');
      const code = nextCode(person);
      const done = await send(agent, '/account/profile', { name: 'Ada Lovelace', locale: 'de', code });
      assert.equal(done.location, '/account/profile?notice=profile-saved');
      const again = await send(agent, '/account/profile', { name: 'Eve', code });
      assert.equal(again.name, 'confirm-change', 'the same code is worth nothing');
      const page = await get(agent, '/account/profile');
      assert.match(page.text, /lang="de"/);
      assert.match(page.text, /value="Ada Lovelace"/);
      for (const path of ['/sessions/end-others', '/applications/rp/revoke', '/authenticators', '/export']) {
        assert.equal((await send(agent, `/account${path}`)).name, 'confirm-change', path);
      }
    });

    test('B13 codes guessed in any form of the page are charged, and after five the session takes none', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const { authenticators } = await service.composed.services.status(person.id);
      clock.advance(301);
      const doors = [
        '/account/recovery-codes',
        '/account/authenticators',
        `/account/authenticators/${authenticators[0]?.id}/rename`,
        '/account/sessions/end-others',
        '/account/profile',
      ];
      for (const [at, path] of doors.entries()) {
        const page = await send(agent, path, { code: '000000', label: 'x' });
        assert.equal(page.status, at < 4 ? 422 : 303, path);
      }
      const spent = await send(agent, '/account/recovery-codes', { code: nextCode(person) });
      assert.match(spent.location, /^\/auth\?/);
      assert.match(spent.location, /prompt=login/);
      const guard = await service.composed.services.inTransaction(({ guards }) => guards.readGuard(person.id));
      assert.equal(guard.total, 5);
    });

    test('D08 D10 turning the second factor on or an authenticator off ends the other sessions, and this one stays', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      clock.advance(30);
      const other = await signedIn(person);
      const started = await send(agent, '/account/authenticators', { label: 'Tablet' });
      assert.equal(started.location, '/account/authenticators/add');
      const add = await get(agent, '/account/authenticators/add');
      assert.match(add.text, /<svg/);
      const secret = /id="secret"[^>]*>([^<]+)</.exec(add.text)?.[1]?.replaceAll(' ', '') ?? '';
      const { secretFromBase32, oneTimeCode, timeStepAt } = await import('../../src/domain/totp.ts');
      const bytes = secretFromBase32(secret);
      assert.ok(bytes);
      const code = oneTimeCode(
        { secret: bytes, algorithm: 'SHA1', digits: 6, periodSeconds: 30 },
        timeStepAt(clock.epochSeconds(), 30),
      );
      const codes = await send(agent, '/account/authenticators/add', { code });
      assert.equal(codes.name, 'new-recovery-codes');
      assert.equal((await get(other, '/account')).status, 200, 'a second one ends nobody’s session');
      const { authenticators } = await service.composed.services.status(person.id);
      const [first] = authenticators;
      const removed = await send(agent, `/account/authenticators/${first?.id}/remove`, { code: nextCode(person) });
      assert.equal(removed.location, '/account/authenticators?notice=authenticator-removed');
      assert.equal((await get(other, '/account')).status, 303);
      assert.equal((await get(agent, '/account')).status, 200);
      assert.ok((await mails(person)).some(({ kind }) => kind === 'authenticator-removed'));
      for (const path of ['/account', '/account/authenticators', '/account/authenticators/add', '/account/export']) {
        assert.ok(!(await get(agent, path)).text.includes(secret), 'D07');
      }
    });

    test('D17 a new password: judged before a code is spent, others end, this browser stays and is known again', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const code = nextCode(person);
      const good = { current_password: person.password, new_password: 'another horse battery', code };
      const weak = await send(agent, '/account/password', { ...good, new_password: 'password' });
      assert.match(weak.text, /id="new_password-error"/);
      const wrong = await send(agent, '/account/password', { ...good, current_password: 'x' });
      assert.match(wrong.text, /id="current_password-error"/);
      const done = await send(agent, '/account/password', good);
      assert.equal(done.location, '/account/password?notice=password-changed');
      assert.equal((await get(agent, done.location)).status, 200);
    });

    test('D18 another address takes password and code, changes nothing before its link, and the old one is told', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const email = `new-${person.username}@example.com`;
      const without = await send(agent, '/account/profile/email', { email, current_password: person.password });
      assert.match(without.text, /id="code-error"/);
      const fields = { email, current_password: person.password, code: nextCode(person) };
      const wrong = await send(agent, '/account/profile/email', { ...fields, current_password: 'x' });
      assert.match(wrong.text, /id="current_password-error"/);
      const sent = await send(agent, '/account/profile/email', { ...fields, email_verified: 'true' });
      assert.equal(sent.location, '/account/profile?notice=email-link-sent');
      const { users } = await service.composed.services.inTransaction(async (stores) => ({
        users: await stores.users.find(person.id),
      }));
      assert.equal(users?.email, `${person.username}@example.com`);
      assert.match((await get(agent, '/account/profile')).text, new RegExp(email));
      const mail = (await mails(person)).find(({ kind }) => kind === 'email-confirm-link');
      assert.equal(mail?.payload['address'], email);
    });

    test('D19 another person’s sessions, authenticators and events are not there', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const agent = await signedIn(person);
      const theirs = await signedIn(other);
      const { services } = service.composed;
      const { authenticators } = await services.status(other.id);
      const [session] = await services.inTransaction(({ sessions }) => sessions.list(other.id));
      const events = await services.auditReader.list({ person: other.id, types: ['sign-in.completed'] }, { limit: 1 });
      const event = events.items[0]?.id ?? '';
      assert.notEqual(event, '');
      for (const path of [
        `/account/authenticators/${authenticators[0]?.id}/rename`,
        `/account/authenticators/${authenticators[0]?.id}/remove`,
        `/account/sessions/${session?.uid}/end`,
        `/account/activity/${event}/not-me`,
        `/account/trusted-browsers/${person.id}/forget`,
      ]) {
        assert.equal((await send(agent, path, { label: 'x' })).status, 404, path);
      }
      assert.equal((await get(agent, `/account/activity/${event}/not-me`)).status, 404);
      assert.equal((await get(theirs, `/account/activity/${event}/not-me`)).status, 200);
    });

    test('activity tells of a wrong code in words, and “this was not me” locks everybody out', async () => {
      const person = await service.addPerson();
      const thief = browser();
      await thief.submit(await thief.submitPassword(await thief.begin(), person), { code: '000000' });
      const agent = await signedIn(person);
      const activity = await get(agent, '/account/activity');
      assert.match(activity.text, /Wrong code/);
      assert.match((await get(agent, '/account')).text, /Wrong code/);
      const path = /href="(\/account\/activity\/\d+\/not-me)"/.exec(activity.text)?.[1] ?? '';
      const page = await get(agent, path);
      assert.equal(page.name, 'not-me');
      const done = await read(await agent.post(path, { csrf: page.csrf }));
      assert.equal(done.name, 'notice');
      assert.equal((await get(agent, '/account')).status, 303);
      const again = browser();
      assert.equal((await again.submitPassword(await again.begin(), person)).error?.code, 'wrong-password');
      assert.ok((await mails(person)).some(({ kind }) => kind === 'not-me-done'));
    });

    test('F12 one session more than allowed ends the one that was idle longest', async () => {
      const person = await service.addPerson();
      const agents: UserAgent[] = [];
      for (let n = 0; n < 4; n += 1) {
        clock.advance(30);
        agents.push(await signedIn(person));
      }
      const statuses = await Promise.all(agents.map(async (agent) => (await get(agent, '/account')).status));
      assert.deepEqual(statuses, [303, 200, 200, 200]);
    });

    test('D21 the access of an application ends at once', async () => {
      const person = await service.addPerson();
      const agent = browser();
      const tokens = await agent.redeem(await agent.signIn(person, { scope: 'openid email' }));
      const me = (): Promise<Response> =>
        fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
      assert.equal((await me()).status, 200);
      assert.match((await get(agent, '/account/applications')).text, /Test client/);
      assert.match((await get(agent, '/account/sessions')).text, /Test client/);
      const revoked = await send(agent, `/account/applications/${testClient.id}/revoke`);
      assert.equal(revoked.location, '/account/applications?notice=application-revoked');
      assert.equal((await me()).status, 401);
    });

    test('the export is one file without any secret, and deletion erases the person and keeps the record', async () => {
      const person = await service.addPerson();
      const agent = await signedIn(person);
      const file = await send(agent, '/account/export', {}, '/account/export');
      const data = JSON.parse(file.text) as { account: { username: string } };
      assert.equal(data.account.username, person.username);
      assert.doesNotMatch(file.text, /argon2|otpauth|sealed|"hash"/);
      const fields = { username: person.username, current_password: person.password, code: nextCode(person) };
      const differs = await send(agent, '/account/delete', { ...fields, username: 'x' });
      assert.match(differs.text, /id="username-error"/);
      const done = await send(agent, '/account/delete', fields);
      assert.equal(done.name, 'notice');
      const { services } = service.composed;
      assert.equal(await services.inTransaction(({ users }) => users.find(person.id)), undefined);
      assert.equal((await get(agent, '/account')).status, 303);
      const events = await services.auditReader.list({ target: person.id }, { limit: 50 });
      assert.ok(events.items.some(({ type }) => type === 'user.deleted'));
      assert.ok((await mails(person)).some(({ kind }) => kind === 'account-deleted'));
    });

    test('the last operator cannot delete their account', async () => {
      const person = await service.addPerson();
      const { database, manageUsers } = service.composed.services;
      await database.kysely
        .updateTable('users')
        .set({ roles: ['operator'] })
        .where('id', '=', person.id)
        .execute();
      await assert.rejects(manageUsers.remove(person.id, person.id, testContext), { code: 'last_operator' });
      await database.kysely.updateTable('users').set({ roles: [] }).where('id', '=', person.id).execute();
    });
  });
}
