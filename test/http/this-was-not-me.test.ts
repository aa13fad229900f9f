import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { addressOf, assertSignedOut, csrfIn, sendForm } from '../support/forms.ts';
import { mailEnvironment, pathIn, startMailServer, type MailServer } from '../support/mail-server.ts';
import { provenNow, recoveryCodesOf } from '../support/sign-in.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { token, UserAgent } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`"this was not me" on ${shape}`, () => {
    let service: TestService;
    let mail: MailServer;
    before(async () => {
      mail = await startMailServer();
      service = await startService(shape, { environment: mailEnvironment(mail) });
    });
    after(async () => {
      await service.close();
      await mail.close();
    });

    /** Somebody with both factors makes the account theirs: address, authenticator, recovery codes, password. */
    async function steal(person: TestPerson): Promise<{ readonly address: string; readonly password: string }> {
      const { mailedLinks, enrolment, changeSecondFactor, setPassword, inTransaction } = service.composed.services;
      const context = { ...testContext, address: '203.0.113.66' };
      const address = `thief-${person.username}@example.com`;
      await mailedLinks.sendAddressLink(person.id, address, context);
      const path = pathIn(await mail.next(address, 'Confirm your address'), '/link/');
      await sendForm(new UserAgent(service.issuer), path);
      const base = { userId: person.id, boundTo: 'thief', context };
      const shown = await enrolment.start({ ...base, accountName: 'x', label: 'Thief' });
      const secret = secretFromBase32(shown.secret);
      assert.ok(secret !== undefined);
      const totp = { ...person.totp, secret };
      const code = oneTimeCode(totp, timeStepAt(service.composed.services.clock.epochSeconds(), 30));
      assert.equal(
        (await enrolment.confirm({ ...base, provenBy: await provenNow(service, person), id: shown.id, code })).kind,
        'confirmed',
      );
      const [own] = await inTransaction(({ authenticators }) => authenticators.listLive(person.id));
      const provenBy = await provenNow(service, person);
      const removed = await changeSecondFactor.remove(person.id, own?.id ?? '', false, context, provenBy);
      assert.equal(removed.kind, 'removed');
      await changeSecondFactor.replaceRecoveryCodes(person.id, await provenNow(service, person), context);
      const password = 'the password of a thief';
      const change = { provenBy: undefined, secondFactorProven: true, type: 'password.changed', context } as const;
      await setPassword({ userId: person.id, names: [], password, ...change });
      return { address, password };
    }

    test('D22 gives everything back to the owner, whom every notice reached at the address that stood before', async () => {
      const person = await service.addPerson();
      const { database } = service.composed.services;
      const kept = await recoveryCodesOf(service, person);
      // All that was there before is older than the undo reaches.
      const { kysely } = database;
      const old = new Date(Date.now() - 80 * 3_600_000);
      await kysely.updateTable('authenticators').set({ confirmed_at: old }).where('user_id', '=', person.id).execute();
      await kysely.updateTable('recovery_codes').set({ created_at: old }).where('user_id', '=', person.id).execute();
      const owner = new UserAgent(service.issuer);
      const tokens = await owner.redeem(
        await owner.signIn(person, { scope: 'openid offline_access', prompt: 'consent' }),
      );

      const mailbox = addressOf(person);
      await mail.next(mailbox, 'New recovery codes were made');
      const thief = await steal(person);
      for (const subject of [
        'Your address was changed',
        'An authenticator was added',
        'An authenticator was removed',
        'New recovery codes were made',
      ]) {
        const told = await mail.next(mailbox, subject);
        assert.match(told.text, /From address: (203\.0\.113\.66|127\.|::)/);
      }
      const lever = pathIn(await mail.next(mailbox, 'Your password was changed'), '/not-me/');
      const thieves = pathIn(await mail.next(thief.address, 'Your password was changed'), '/not-me/');

      // A mail scanner opens every link, and nothing happens.
      const agent = new UserAgent(service.issuer);
      const csrf = csrfIn(await (await agent.get(lever)).text());
      assert.equal((await agent.get(lever)).status, 200);
      assert.equal((await service.composed.services.manageUsers.find(person.id)).email, thief.address);

      const pressed = await sendForm(agent, lever, {}, csrf);
      assert.equal(pressed.status, 200);
      assert.equal(pressed.page, 'notice');
      await assertSignedOut(agent);
      await assertSignedOut(owner);
      assert.equal((await sendForm(agent, lever, {}, csrf)).status, 410);
      assert.equal((await agent.get(thieves)).status, 410);
      if (tokens.refresh_token !== undefined) {
        const refreshed = await token(service.issuer, {
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
        });
        assert.equal(refreshed.error, 'invalid_grant');
      }
      const stolen = { ...person, password: thief.password };
      assert.equal((await agent.submitPassword(await agent.begin(), stolen)).error?.code, 'wrong-password');
      assert.equal((await agent.submitPassword(await agent.begin(), person)).error?.code, 'wrong-password');

      const way = pathIn(await mail.next(mailbox, 'Your account is locked down'), '/reset-password/');
      const password = 'mine again and nobody else’s';
      assert.equal((await sendForm(agent, way, { password })).page, 'notice');
      await assertSignedOut(agent);
      const mine = { ...person, password };
      const code = await agent.submitPassword(await agent.begin(), mine);
      assert.equal(code.page, 'one-time-code');
      assert.equal((await agent.submit(code, { code: person.code(1) })).page, 'left');
      const state = await service.composed.services.status(person.id);
      assert.deepEqual(
        state.authenticators.map(({ label }) => label),
        ['Phone'],
      );
      assert.equal(state.recoveryCodesRemaining, kept.length);
      // The thief's address is told nothing of what came after.
      assert.ok(!mail.mails.some(({ to, subject }) => to === thief.address && subject.includes('locked down')));
      const types = (await service.auditOf(person)).map(({ type }) => type);
      assert.equal(types.filter((type) => type === 'not-me.used').length, 1);
      assert.equal(types.filter((type) => type === 'authenticator.restored').length, 1);
    });

    test('what an operator reset stays reset', async () => {
      const person = await service.addPerson();
      const { resetSecondFactor, inTransaction, thisWasNotMe, database, status } = service.composed.services;
      const old = new Date(Date.now() - 80 * 3_600_000);
      const { kysely } = database;
      await kysely.updateTable('authenticators').set({ confirmed_at: old }).where('user_id', '=', person.id).execute();
      await resetSecondFactor.reset({ userId: person.id, actor: 'operator', reason: 'lost', context: testContext });
      const lever = await inTransaction(({ issueNotMeLink }) => issueNotMeLink(person.id));
      await thisWasNotMe.use(lever, testContext);
      assert.equal((await status(person.id)).enabled, false);
    });
  });
}
