import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addressOf, assertSignedOut, sendForm } from '../support/forms.ts';
import { mailEnvironment, pathIn, startMailServer, type MailServer } from '../support/mail-server.ts';
import { recoveryCodesOf } from '../support/sign-in.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, UserAgent } from '../support/user-agent.ts';

describe('the ways back by mail', () => {
  let service: TestService;
  let mail: MailServer;
  before(async () => {
    mail = await startMailServer();
    service = await startService('servers', { environment: mailEnvironment(mail) });
  });
  after(async () => {
    await service.close();
    await mail.close();
  });

  const setGuard = (person: TestPerson, values: Record<string, number>) =>
    service.composed.services.database.kysely
      .insertInto('guards')
      .values({ user_id: person.id, ...values })
      .onConflict((conflict) => conflict.column('user_id').doUpdateSet(values))
      .execute();

  async function resetPath(person: TestPerson): Promise<string> {
    await sendForm(new UserAgent(service.issuer), '/forgot-password', { login: person.username });
    return pathIn(await mail.next(addressOf(person), 'Choose a new password'), '/reset-password/');
  }

  test('B19 at the cap a reset by mail alone keeps the second factor closed, one with a recovery code opens it', async () => {
    const person = await service.addPerson();
    const { secondFactor, inTransaction } = service.composed.services;
    const [recovery = '', other = ''] = await recoveryCodesOf(service, person);
    const { cap } = secondFactor.limits;
    await setGuard(person, { total: cap });

    const agent = new UserAgent(service.issuer);
    const alone = await sendForm(agent, await resetPath(person), { password: 'only a mail was proven', code: '' });
    assert.equal(alone.page, 'notice');
    const changed = { ...person, password: 'only a mail was proven' };
    const closed = await agent.submitPassword(await agent.begin(), changed);
    const refused = await agent.submit(closed, { code: person.code() });
    assert.notEqual(refused.page, 'consent');
    await assertSignedOut(agent);
    assert.equal((await inTransaction(({ guards }) => guards.readGuard(person.id))).total, cap);

    const path = await resetPath(person);
    const page = await (await agent.get(path)).text();
    assert.ok(page.includes('name="code"'));
    const password = 'a mail and a recovery code';
    const wrong = await sendForm(agent, path, { password, code: recovery.replaceAll(/[A-Z]/g, 'Z') });
    assert.equal(wrong.status, 422);
    assert.equal((await sendForm(agent, path, { password, code: recovery })).page, 'notice');
    await assertSignedOut(agent);
    assert.equal((await inTransaction(({ guards }) => guards.readGuard(person.id))).total, 0);
    const code = await agent.submitPassword(await agent.begin(), { ...person, password });
    assert.equal((await agent.submit(code, { code: person.code() })).page, 'consent');

    // D16: the code that opened the reset is no second factor afterwards; another one is.
    const again = new UserAgent(service.issuer);
    let step = await again.submitPassword(await again.begin(), { ...person, password });
    step = await again.submit(step, {}, step.action.replace(/[\w-]+$/, 'use-recovery-code'));
    assert.equal(step.page, 'recovery-code');
    step = await again.submit(step, { code: recovery });
    assert.equal(step.error?.code, 'wrong-recovery-code');
    assert.equal((await again.submit(step, { code: other })).error, undefined);
  });

  test('B20 with both lanes closed a new password and a recovery code let the person bind a new secret', async () => {
    const person = await service.addPerson();
    const { inTransaction, status } = service.composed.services;
    const [recovery = ''] = await recoveryCodesOf(service, person);
    await setGuard(person, { known_in_a_row: 50, other_in_a_row: 50 });
    await inTransaction(async (stores) => {
      await stores.authenticators.removeAll(person.id, 'both-lanes-closed');
      await stores.voidPassword(person.id);
    });
    const agent = new UserAgent(service.issuer);
    assert.equal((await agent.submitPassword(await agent.begin(), person)).error?.code, 'wrong-password');

    // A mailbox alone is no second factor: nothing is bound by it.
    const password = 'a new password for the way back';
    await sendForm(agent, await resetPath(person), { password, code: '' });
    const held = await agent.submitPassword(await agent.begin(), { ...person, password });
    assert.notEqual(held.page, 'enrol');
    assert.notEqual(held.page, 'mail-link-sent');
    assert.equal((await status(person.id)).enabled, false);

    const better = 'a new password and a code';
    const done = await sendForm(agent, await resetPath(person), { password: better, code: recovery });
    assert.equal(done.page, 'notice');
    const enrol = await agent.submitPassword(await agent.begin(), { ...person, password: better });
    assert.equal(enrol.page, 'enrol');
    // The old secret is nobody's any more.
    assert.equal((await agent.submit(enrol, { code: person.code() })).error?.code, 'wrong-enrolment-code');
    // Nor does "this was not me" bring back what guessing closed.
    const lever = await inTransaction(({ issueNotMeLink }) => issueNotMeLink(person.id));
    await service.composed.services.thisWasNotMe.use(lever, testContext);
    assert.equal((await status(person.id)).enabled, false);
  });

  test('B18 the first challenge left with wrong codes is told, and so is a success after it', async () => {
    const person = await service.addPerson();
    const { closeAbandoned, database } = service.composed.services;
    const leave = async (): Promise<void> => {
      const agent = new UserAgent(service.issuer);
      const step = await agent.submitPassword(await agent.begin(), person);
      assert.equal((await agent.submit(step, { code: '000000' })).error?.code, 'wrong-code');
      await database.kysely
        .updateTable('challenges')
        .set({ expires_at: new Date(Date.now() - 1000) })
        .where('user_id', '=', person.id)
        .where('closed_at', 'is', null)
        .execute();
      await closeAbandoned();
    };
    await leave();
    await leave();
    const told = await mail.next(addressOf(person), 'Somebody typed wrong codes');
    assert.match(told.text, /From address: (127\.|::)/);
    const agent = new UserAgent(service.issuer);
    const step = await agent.submitPassword(await agent.begin(), person);
    assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
    await mail.next(addressOf(person), 'A sign-in succeeded after wrong codes');
    // The account page says so too, with time and place, until the sign-in after this one.
    const shown = async (): Promise<string> => (await agent.get('/account')).text();
    assert.match(await shown(), /data-warned[\s\S]*<time[\s\S]*(127\.0\.0\.1|::)/);
    const later = new UserAgent(service.issuer);
    const next = await later.submitPassword(await later.begin({ prompt: 'consent' }), person);
    assert.equal((await later.submit(next, { code: person.code(1) })).page, 'consent');
    assert.doesNotMatch(await shown(), /data-warned/);
    const subjects = mail.mails.filter(({ to }) => to === addressOf(person)).map(({ subject }) => subject);
    assert.equal(subjects.filter((subject) => subject === 'Somebody typed wrong codes').length, 1);
  });

  test('D15 a sign-in by a recovery code says so to the relying party and by mail', async () => {
    const person = await service.addPerson();
    const [recovery = ''] = await recoveryCodesOf(service, person);
    const agent = new UserAgent(service.issuer);
    const first = await agent.begin();
    let step = await agent.submitPassword(first, person);
    step = await agent.submit(step, {}, step.action.replace(/[\w-]+$/, 'use-recovery-code'));
    step = await agent.submit(step, { code: recovery.toLowerCase().replaceAll('-', ' ') });
    for (let steps = 0; step.page !== 'consent' && steps < 3; steps += 1) step = await agent.submit(step, {});
    const finished = await agent.submit(step, { decision: 'allow' });
    const { amr } = claimsOf(await agent.redeem({ ...finished, verifier: first.verifier }));
    assert.ok(Array.isArray(amr) && !amr.includes('otp'));
    const told = await mail.next(addressOf(person), 'A recovery code was used');
    assert.match(told.text, /Recovery codes left: 9/);
  });
});
