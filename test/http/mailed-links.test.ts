import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addressOf, assertSignedOut, csrfIn, pageOf, sendForm as send } from '../support/forms.ts';
import { mailEnvironment, pathIn, startMailServer, type MailServer } from '../support/mail-server.ts';
import { setAnotherPassword } from '../support/sign-in.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('mailed links', () => {
  let service: TestService;
  let mail: MailServer;
  before(async () => {
    mail = await startMailServer();
    const environment = { ...mailEnvironment(mail), TWOFOLD_SELF_REGISTRATION: 'true' };
    service = await startService('servers', { environment });
  });
  after(async () => {
    await service.close();
    await mail.close();
  });

  async function requestReset(person: TestPerson): Promise<string> {
    await send(new UserAgent(service.issuer), '/forgot-password', { login: person.username });
    return pathIn(await mail.next(addressOf(person), 'Choose a new password'), '/reset-password/');
  }

  test('H01 forgot-password says the same of a name that exists and of one that does not', async () => {
    const person = await service.addPerson();
    const ask = async (login: string) => {
      const { status, html, response } = await send(new UserAgent(service.issuer), '/forgot-password', { login });
      const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
      return { status, html, headers };
    };
    const [known, unknown] = [await ask(person.username), await ask('nobody-at-all')];
    assert.equal(known.status, 200);
    assert.deepEqual(known, unknown);
    const received = await mail.next(addressOf(person), 'Choose a new password');
    assert.equal(received.from, 'id@twofold.example');
    assert.ok(received.html.includes(received.links[0] ?? '-'));
    assert.match(received.text, /When: .*\nBrowser: .*\nFrom address: /);
    assert.ok(!mail.mails.some(({ to }) => to.includes('nobody')));
  });

  test('C18 a reset by mail ends at the sign-in, leaves the second factor, and works once', async () => {
    const person = await service.addPerson();
    const before = new UserAgent(service.issuer);
    const path = await requestReset(person);
    const finished = await before.signIn(person, { scope: 'openid offline_access', prompt: 'consent' });
    const tokens = await before.redeem(finished);
    assert.ok(tokens.access_token);

    const agent = new UserAgent(service.issuer);
    assert.equal((await agent.get(path)).status, 200);
    const csrf = csrfIn(await (await agent.get(path)).text());
    const weak = await send(agent, path, { password: 'password1' });
    assert.equal(weak.status, 422);
    const password = 'a better one than before';
    const done = await send(agent, path, { password });
    assert.equal(done.page, 'notice');
    await assertSignedOut(agent);
    await assertSignedOut(before);
    assert.equal((await agent.get(path)).status, 410);
    assert.equal((await send(agent, path, { password: 'yet another passphrase' }, csrf)).status, 410);

    const changed = { ...person, password };
    assert.equal((await agent.submitPassword(await agent.begin(), person)).error?.code, 'wrong-password');
    const code = await agent.submitPassword(await agent.begin(), changed);
    assert.equal(code.page, 'one-time-code');
    assert.equal((await agent.submit(code, { code: person.code(1) })).page, 'left');
    await mail.next(addressOf(person), 'Your password was changed');
  });

  test('C18 a reset link is void once the password changed by another way', async () => {
    const person = await service.addPerson();
    const path = await requestReset(person);
    await setAnotherPassword(service, person);
    assert.equal((await new UserAgent(service.issuer).get(path)).status, 410);
  });

  test('a mail to who chose no language speaks that of the page; a guesser chooses none for the warned', async () => {
    const person = await service.addPerson();
    const german = new UserAgent(service.issuer, { 'accept-language': 'de-AT' });
    await german.signIn(person);
    // Whoever has both factors may not be the owner, and chooses nothing for this one.
    await mail.next(addressOf(person), 'A new browser signed in');
    const french = new UserAgent(service.issuer, { 'accept-language': 'fr' });
    await send(french, '/forgot-password', { login: person.username });
    await mail.next(addressOf(person), 'Choisissez un nouveau mot de passe');

    const { inTransaction } = service.composed.services;
    const context = { ...testContext, locale: 'ar' };
    await inTransaction(({ outbox }) => outbox.enqueue({ kind: 'codes-guessed', userId: person.id, context }));
    await mail.next(addressOf(person), 'Somebody is guessing your codes');
  });

  test('H22 many requests for one name bring few mails and the same answer', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    for (let at = 0; at < 12; at += 1) {
      const { status, page } = await send(agent, '/forgot-password', { login: person.username });
      assert.deepEqual({ status, page }, { status: 200, page: 'mail-link-sent' });
    }
    await mail.next(addressOf(person), 'Choose a new password');
    const other = await service.addPerson();
    await send(new UserAgent(service.issuer), '/forgot-password', { login: other.username });
    // Mails leave in order: what the twelve brought is there when the one after them is.
    await mail.next(addressOf(other), 'Choose a new password');
    assert.ok(mail.mails.filter(({ to }) => to === addressOf(person)).length <= 3);
  });

  test('C19 a known-browser link makes the browser that presses its button known, and signs nobody in', async () => {
    const person = await service.addPerson();
    const { kysely } = service.composed.services.database;
    const agent = new UserAgent(service.issuer);
    const step = await agent.submitPassword(await agent.begin(), person);
    await kysely.updateTable('guards').set({ other_in_a_row: 50 }).where('user_id', '=', person.id).execute();
    const closed = await agent.submit(step, { code: person.code() });
    assert.equal(closed.page, 'recovery-code');
    const asked = await agent.submit(closed, {}, closed.action.replace(/[\w-]+$/, 'known-browser-link'));
    assert.equal(asked.page, 'mail-link-sent');
    const path = pathIn(await mail.next(addressOf(person), 'Open your browser'), '/link/');
    const csrf = csrfIn(await (await agent.get(path)).text());
    assert.equal(agent.cookies.has('twofold-browser'), false);
    const done = await send(agent, path);
    assert.equal(done.page, 'notice');
    assert.equal(agent.cookies.has('twofold-browser'), true);
    await assertSignedOut(agent);
    assert.equal((await send(agent, path, {}, csrf)).status, 410);
    // The way on leads back into the sign-in, whose lane is the known one now.
    const way = /href="(\/interaction\/[^"]+)"/.exec(done.html)?.[1] ?? '';
    const code = await agent.submitPassword(await agent.follow(way), person);
    assert.equal(code.page, 'one-time-code');
    assert.equal((await agent.submit(code, { code: person.code() })).page, 'consent');
  });

  test('a first enrolment from a browser nobody knows takes the mailed link, opened in that browser', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const agent = new UserAgent(service.issuer);
    const held = await agent.submitPassword(await agent.begin(), person);
    assert.equal(held.page, 'mail-link-sent');
    const path = pathIn(await mail.next(addressOf(person), 'Is it you'), '/link/');

    const thief = new UserAgent(service.issuer);
    assert.equal((await thief.submitPassword(await thief.begin(), person)).page, 'mail-link-sent');
    const newer = pathIn(await mail.next(addressOf(person), 'Is it you'), '/link/');
    assert.equal((await agent.get(path)).status, 410);
    await send(agent, newer);
    const mine = await agent.submitPassword(await agent.begin(), person);
    assert.equal(mine.page, 'enrol');
    // What the owner opened does nothing for the browser of somebody else.
    assert.equal((await thief.submitPassword(await thief.begin(), person)).page, 'mail-link-sent');
  });

  test('self-registration: the address is confirmed by its link, and the account takes password and factor', async () => {
    const agent = new UserAgent(service.issuer);
    const asked = await send(agent, '/sign-up', { email: 'New.Person@Example.com' });
    const existing = await service.addPerson();
    const taken = await send(agent, '/sign-up', { email: addressOf(existing) });
    assert.equal(asked.html, taken.html);
    // Whoever is here already gets the way back in; the page tells nobody.
    await mail.next(addressOf(existing), 'Choose a new password');
    const path = pathIn(await mail.next('new.person@example.com', 'Finish your account'), '/link/');
    const csrf = csrfIn(await (await agent.get(path)).text());
    const made = await send(agent, path);
    assert.equal(made.status, 303);
    const setup = await agent.get(made.response.headers.get('location') ?? '');
    assert.equal(pageOf(await setup.text()), 'set-password');
    await assertSignedOut(agent);
    assert.equal((await send(agent, path, {}, csrf)).status, 410);
  });

  test('an address changes only by the link that was sent to it, and the old one is told', async () => {
    const person = await service.addPerson();
    const { mailedLinks, manageUsers } = service.composed.services;
    const wanted = `new-${person.username}@example.com`;
    assert.deepEqual(await mailedLinks.sendAddressLink(person.id, 'nonsense', testContext), { kind: 'invalid' });
    await mailedLinks.sendAddressLink(person.id, wanted, testContext);
    const path = pathIn(await mail.next(wanted, 'Confirm your address'), '/link/');
    assert.equal((await manageUsers.find(person.id)).email, addressOf(person));
    const done = await send(new UserAgent(service.issuer), path);
    assert.equal(done.page, 'notice');
    const { email, emailVerified } = await manageUsers.find(wanted);
    assert.deepEqual({ email, emailVerified }, { email: wanted, emailVerified: true });
    await mail.next(addressOf(person), 'Your address was changed');
    await mail.next(wanted, 'Your address was changed');
  });

  test('a person without factor and codes asks for help, and gets the same answer as a stranger', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const asked = await send(agent, '/ask-for-help', { login: person.username, message: 'ring 555' });
    const unknown = await send(agent, '/ask-for-help', { login: 'nobody-at-all', message: '' });
    assert.equal(asked.html, unknown.html);
    const waiting = await service.composed.services.helpRequests.list({ open: true, userId: person.id }, 10);
    assert.deepEqual(
      waiting.map(({ message }) => message),
      ['ring 555'],
    );
  });

  test('the meter beside a new password says what zxcvbn says, to our own pages alone', async () => {
    const agent = new UserAgent(service.issuer);
    const ask = async (password: string): Promise<unknown> =>
      (await agent.post('/password-strength', { password }, 'application/json')).json();
    assert.deepEqual(await ask('password1'), { step: 0 });
    assert.deepEqual(await ask('seven small green apples'), { step: 3 });
    assert.deepEqual(await ask('x'.repeat(200)), { step: 0 });
    const foreign = await agent.request('/password-strength', {
      method: 'POST',
      body: new URLSearchParams({ password: 'password1' }),
      headers: { origin: 'https://evil.example' },
    });
    assert.equal(foreign.status, 403);
  });
});
