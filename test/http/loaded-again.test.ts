import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { pageOf } from '../support/forms.ts';
import { codeForPicture } from '../support/policy-parties.ts';
import { startService, type TestService } from '../support/service.ts';
import { halfway, newBrowserOf, otherFactor, recoveryCodesOf } from '../support/sign-in.ts';

describe('pages that are loaded again', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers');
  });
  after(() => service.close());

  test('a form that was sent before leads on to where the sign-in stands', async () => {
    const person = await service.addPerson();
    const agent = newBrowserOf(service);
    const first = await agent.begin();
    const step = await agent.submitPassword(first, person);
    const fields = { csrf: first.csrf, login: person.username, password: person.password };
    const again = await agent.post(first.action, fields);
    assert.equal(again.status, 403);
    const html = await again.text();
    const here = step.action.replace(/\/[^/]+$/, '');
    assert.equal(pageOf(html), 'error');
    assert.match(html, new RegExp(`<a class="button" href="${here}"`));
    const entered = await agent.get(first.action);
    assert.equal(entered.status, 405);
    assert.match(await entered.text(), new RegExp(`<a class="button" href="${here}"`));
    assert.equal((await agent.get('/interaction/%E2%82%AC/password')).status, 405);
    assert.equal((await agent.look(here)).page, 'one-time-code');
  });

  test('recovery codes that nobody said they kept are made anew, some times, and the ones before are void', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const { agent, step } = await halfway(service, person);
    let shown = await agent.submit(step, { code: codeForPicture(service, step) });
    const here = shown.action.replace(/\/[^/]+$/, '');
    const sets = [shown.codes ?? []];
    for (let visit = 0; visit < 3; visit += 1) {
      shown = await agent.look(here);
      assert.equal(shown.page, 'recovery-codes');
      sets.push(shown.codes ?? []);
    }
    assert.equal(new Set(sets.flat()).size, 40);
    const { recoveryCodesRemaining } = await service.composed.services.status(person.id);
    assert.equal(recoveryCodesRemaining, 10);
    assert.equal((await agent.submit(shown, { saved: 'yes' })).page, 'consent');
    const [void_ = ''] = sets[0] ?? [];
    const [good = ''] = sets[3] ?? [];
    const other = await halfway(service, person);
    const page = await otherFactor(other.agent, other.step);
    const refused = await other.agent.submit(page, { code: void_ });
    assert.equal(refused.error?.code, 'wrong-recovery-code');
    assert.equal((await other.agent.submit(refused, { code: good })).page, 'consent');
  });

  test('of parallel looks one makes recovery codes, and a page that is fetched ahead of time makes none', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const { agent, step } = await halfway(service, person);
    const shown = await agent.submit(step, { code: codeForPicture(service, step) });
    const here = shown.action.replace(/\/[^/]+$/, '');
    const { kysely } = service.composed.services.database;
    const sets = async () =>
      (await kysely.selectFrom('recovery_codes').select('set_id').distinct().where('user_id', '=', person.id).execute())
        .length;
    const ahead = await agent.request(here, { headers: { accept: 'text/html', 'sec-purpose': 'prefetch;prerender' } });
    assert.equal(ahead.status, 409);
    assert.equal(await sets(), 1);
    const looks = await Promise.all(Array.from({ length: 12 }, () => agent.copy().look(here)));
    const drawn = looks.filter(({ page }) => page === 'recovery-codes').length;
    assert.ok(drawn >= 1 && drawn <= 3, String(drawn));
    assert.ok((await sets()) <= 4);
  });

  test('no other form of the sign-in leads past a new password that is due, or past new codes', async () => {
    const person = await service.addPerson();
    const { database, secondFactor } = service.composed.services;
    const { changePasswordAt } = secondFactor.limits;
    await sql`
      insert into guards (user_id, total, told_at_units) values (${person.id}, ${changePasswordAt}, 100)`.execute(
      database.kysely,
    );
    const { agent, step } = await halfway(service, person);
    const change = await agent.submit(step, { code: person.code(1) });
    assert.equal(change.page, 'change-password');
    for (const name of ['recovery-codes', 'enrol-later', 'keep-authenticator', 'enrol', 'one-time-code', 'consent']) {
      const around = await agent.submit(change, {}, change.action.replace(/[^/]+$/, name));
      assert.equal(around.page, 'change-password', name);
    }
    const lost = await service.addPerson();
    const [code = ''] = await recoveryCodesOf(service, lost);
    const other = await halfway(service, lost);
    const page = await otherFactor(other.agent, other.step);
    const replacing = await other.agent.submit(page, { code, replace_authenticator: 'yes' });
    assert.equal(replacing.page, 'enrol');
    const past = await other.agent.submit(replacing, {}, replacing.action.replace(/[^/]+$/, 'recovery-codes'));
    assert.equal(past.page, 'enrol');
  });

  test('a sign-in that is over, or never was, is said to be over', async () => {
    const person = await service.addPerson();
    const { agent, step } = await halfway(service, person);
    await agent.submit(step, { code: person.code() });
    const paths = [step.action.replace(/\/[^/]+$/, ''), '/interaction/there-is-none'];
    for (const path of paths) {
      const answer = await agent.get(path);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /<h1>This sign-in is over<\/h1>[^]*href="\/account"/);
      assert.equal((await agent.look(path)).error?.code, 'sign-in-gone');
    }
  });

  test('a request that is refused at once is told in the language it asks for, and so is a sign-out', async () => {
    const agent = newBrowserOf(service);
    await agent.signIn(await service.addPerson());
    for (const [path, words] of [
      ['/auth?client_id=nobody&ui_locales=fr', /lang="fr"/],
      ['/logout?ui_locales=de', /lang="de"/],
    ] as const) {
      const html = await (await agent.get(path)).text();
      assert.match(html.slice(0, 200), words, path);
    }
  });
});
