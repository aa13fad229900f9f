import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { newBytes, newId } from '../../src/crypto/random.ts';
import { oneTimeCode, secretFromBase32, timeStepAt, type TotpParameters } from '../../src/domain/totp.ts';
import { secretContext } from '../../src/second-factor/secret-context.ts';
import { recoveryCodesOf } from '../support/sign-in.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { TestClock } from '../support/test-clock.ts';
import { claimsOf, UserAgent, type StepAnswer } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`authenticators and recovery codes at sign-in on ${shape}`, () => {
    let service: TestService;
    const clock = new TestClock(40_000);
    before(async () => {
      service = await startService(shape, { clock });
    });
    after(() => service.close());
    beforeEach(() => clock.advance(300));

    async function addAuthenticator(person: TestPerson, parameters: Omit<TotpParameters, 'secret'>) {
      const { services } = service.composed;
      const id = newId();
      const secret = newBytes(20);
      const secretSealed = services.secretBox.seal(secret, secretContext({ id, userId: person.id }));
      await services.inTransaction(({ authenticators }) =>
        authenticators.insertLive({ id, userId: person.id, label: 'Imported', secretSealed, ...parameters }),
      );
      return { id, code: (offset = 0) => codeOf({ secret, ...parameters }, offset) };
    }
    function codeOf(parameters: TotpParameters, offset = 0): string {
      return oneTimeCode(parameters, timeStepAt(clock.epochSeconds(), parameters.periodSeconds) + offset);
    }
    async function atTheCode(person: TestPerson): Promise<{ agent: UserAgent; step: StepAnswer }> {
      const agent = new UserAgent(service.issuer);
      return { agent, step: await agent.submitPassword(await agent.begin(), person) };
    }
    async function codesOf(person: TestPerson): Promise<readonly string[]> {
      return recoveryCodesOf(service, person);
    }
    async function toRecovery({ agent, step }: { agent: UserAgent; step: StepAnswer }): Promise<StepAnswer> {
      return agent.submit(step, {}, step.action.replace(/one-time-code$/, 'use-recovery-code'));
    }
    const readGuard = (person: TestPerson) =>
      service.composed.services.inTransaction(({ guards }) => guards.readGuard(person.id));
    const driftOf = async (person: TestPerson): Promise<number | undefined> => {
      const live = await service.composed.services.inTransaction(({ authenticators }) =>
        authenticators.listLive(person.id),
      );
      return live[0]?.driftSteps;
    };

    for (const [algorithm, digits, periodSeconds] of [
      ['SHA256', 6, 30],
      ['SHA512', 8, 60],
      ['SHA1', 8, 45],
    ] as const) {
      test(`an imported authenticator of ${algorithm}, ${digits} digits and ${periodSeconds} s signs in, once a code`, async () => {
        const person = await service.addPerson({ withoutFactor: true });
        const imported = await addAuthenticator(person, { algorithm, digits, periodSeconds });
        const { agent, step } = await atTheCode(person);
        assert.equal((step as unknown as { digits: number }).digits, digits);
        const code = imported.code();
        assert.equal((await agent.submit(step, { code })).page, 'consent');
        const again = await atTheCode(person);
        assert.equal((await again.agent.submit(again.step, { code })).error?.code, 'wrong-code');
      });
    }

    test('units are the number of authenticators a code is compared with; one that was chosen costs one', async () => {
      const person = await service.addPerson();
      const second = await addAuthenticator(person, { algorithm: 'SHA1', digits: 6, periodSeconds: 30 });
      await addAuthenticator(person, { algorithm: 'SHA256', digits: 6, periodSeconds: 30 });
      const { agent, step } = await atTheCode(person);
      const wrong = await agent.submit(step, { code: '000000' });
      assert.equal((await readGuard(person)).total, 3);
      const chosen = await agent.submit(wrong, { code: '000000', authenticator: second.id });
      assert.equal((await readGuard(person)).total, 4);
      assert.equal((chosen as unknown as { chosen_authenticator: string }).chosen_authenticator, second.id);
      const elsewhere = await agent.submit(chosen, { code: person.code(), authenticator: second.id });
      assert.equal(elsewhere.error?.code, 'wrong-code', 'a code of another one than was chosen');
      assert.equal((await agent.submit(elsewhere, { code: second.code(), authenticator: second.id })).page, 'consent');
      assert.equal((await readGuard(person)).total, 0);
    });

    test('drift moves the window by one step a success, within four, and never widens it', async () => {
      const person = await service.addPerson();
      for (let n = 1; n <= 6; n += 1) {
        // To the beginning of a step, so that none begins between the making of a code and its check.
        clock.advance(31 - (clock.epochSeconds() % 30));
        const { agent, step } = await atTheCode(person);
        // The clock of this phone is as far ahead as is taken, and goes on running away.
        const outcome = await agent.submit(step, { code: person.code(Math.min(n, 5)) });
        assert.equal(outcome.page, 'consent', String(n));
        assert.equal(await driftOf(person), Math.min(n, 4));
        clock.advance(300);
      }
      const { agent, step } = await atTheCode(person);
      // The window stands around four now: what was the present is outside.
      const outside = await agent.submit(step, { code: person.code(2) });
      assert.notEqual(outside.page, 'consent');
      assert.equal((await agent.submit(outside, { code: person.code(3) })).page, 'consent');
    });

    test('a late code tells at once how far the clock is off; an early one after two, which are spent then', async () => {
      const person = await service.addPerson();
      const { agent, step } = await atTheCode(person);
      const late = await agent.submit(step, { code: person.code(-8) });
      assert.equal(late.error?.code, 'clock-behind');
      assert.match(late.error?.message ?? '', /4/);
      const early = person.code(8);
      const one = await agent.submit(late, { code: early });
      assert.equal(one.error?.code, 'wrong-code');
      const same = await agent.submit(one, { code: early });
      assert.equal(same.error?.code, 'wrong-code', 'the same code twice proves no clock');
      clock.advance(30);
      const two = await agent.submit(same, { code: person.code(8) });
      assert.equal(two.error?.code, 'clock-ahead');
      // Signed in meanwhile by a right code; in its time the early one is worth nothing all the same.
      assert.equal((await agent.submit(two, { code: person.code() })).page, 'consent');
      clock.advance(8 * 30 - 30);
      const thief = await atTheCode(person);
      assert.equal(person.code(), early);
      assert.equal((await thief.agent.submit(thief.step, { code: early })).error?.code, 'wrong-code');
    });

    test('D12 spelling does not matter: case, dashes, spaces, O for 0, I and L for 1', async () => {
      const person = await service.addPerson();
      const [code = ''] = await codesOf(person);
      const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'i')} `;
      const at = await atTheCode(person);
      assert.equal((await at.agent.submit(await toRecovery(at), { code: typed })).page, 'consent');
    });

    test('D11 of many parallel uses of one recovery code one succeeds', async () => {
      const person = await service.addPerson();
      const [code = ''] = await codesOf(person);
      const pages: { agent: UserAgent; page: StepAnswer }[] = [];
      for (let n = 0; n < 8; n += 1) {
        const at = await atTheCode(person);
        pages.push({ agent: at.agent, page: await toRecovery(at) });
      }
      const answers = await Promise.all(pages.map(({ agent, page }) => agent.submit(page, { code })));
      assert.equal(answers.filter(({ page }) => page === 'consent').length, 1);
    });

    test('D15 the last recovery code brings a new set in the same sign-in, and claims say how it was proven', async () => {
      const person = await service.addPerson();
      const codes = await codesOf(person);
      const { database } = service.composed.services;
      const at = await atTheCode(person);
      const page = await toRecovery(at);
      // Nine were used before.
      const prefix = codes[0]?.slice(0, 4) ?? '';
      await database.kysely
        .updateTable('recovery_codes')
        .set({ used_at: new Date() })
        .where('user_id', '=', person.id)
        .where('prefix', '<>', prefix)
        .execute();
      const shown = await at.agent.submit(page, { code: codes[0] ?? '' });
      assert.equal(shown.page, 'recovery-codes');
      assert.equal(shown.codes?.length, 10);
      const consent = await at.agent.submit(shown, { saved: 'yes' });
      assert.equal(consent.page, 'consent');
      const next = await atTheCode(person);
      const other = await next.agent.submit(await toRecovery(next), { code: shown.codes?.[3] ?? '' });
      assert.equal(other.page, 'consent');
    });

    test('who lost the phone replaces it in the act of the recovery code: the old one and other sessions end', async () => {
      const person = await service.addPerson();
      const [code = ''] = await codesOf(person);
      const elsewhere = new UserAgent(service.issuer);
      await elsewhere.signIn(person);
      clock.advance(30);
      const agent = new UserAgent(service.issuer);
      const first = await agent.begin();
      const at = { agent, step: await agent.submitPassword(first, person) };
      const enrol = await agent.submit(await toRecovery(at), { code, replace_authenticator: 'yes' });
      assert.equal(enrol.page, 'enrol');
      const silent = await agent.copy().begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /error=login_required/, 'nothing is issued before');
      const wrong = await agent.submit(enrol, { code: '000000' });
      assert.equal(wrong.error?.code, 'wrong-enrolment-code');
      assert.equal(wrong.enrolment?.secret, enrol.enrolment?.secret);
      const secret = secretFromBase32(enrol.enrolment?.secret ?? '');
      assert.ok(secret);
      const parameters = { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const;
      // What the application may do was allowed before.
      const finished = await agent.submit(wrong, { code: codeOf(parameters) });
      assert.equal(finished.page, 'left');
      const claims = claimsOf(await agent.redeem({ ...finished, verifier: first.verifier }));
      assert.deepEqual(claims['amr'], ['pwd', 'mfa', 'urn:twofold:amr:recovery-code']);
      assert.match((await elsewhere.begin({ prompt: 'none' })).location ?? '', /error=login_required/);
      const { authenticators } = await service.composed.services.status(person.id);
      assert.equal(authenticators.length, 1);
      clock.advance(30);
      const old = await atTheCode(person);
      const refused = await old.agent.submit(old.step, { code: person.code() });
      assert.equal(refused.error?.code, 'wrong-code');
      assert.equal((await old.agent.submit(refused, { code: codeOf(parameters) })).page, 'left');
    });

    test('whose phone turned up keeps it and goes on', async () => {
      const person = await service.addPerson();
      const [code = ''] = await codesOf(person);
      const at = await atTheCode(person);
      const enrol = await at.agent.submit(await toRecovery(at), { code, replace_authenticator: 'yes' });
      const kept = await at.agent.submit(enrol, {}, enrol.action.replace(/enrol$/, 'keep-authenticator'));
      assert.equal(kept.page, 'consent');
      clock.advance(30);
      const next = await atTheCode(person);
      assert.equal((await next.agent.submit(next.step, { code: person.code() })).page, 'consent');
    });

    test('A22 codes are right in 2039 and in 2100', () => {
      const parameters = { secret: newBytes(20), algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const;
      for (const year of [2039, 2100]) {
        const seconds = Date.UTC(year, 5, 1) / 1000;
        assert.equal(timeStepAt(seconds, 30), Math.floor(seconds / 30));
        assert.match(oneTimeCode(parameters, timeStepAt(seconds, 30)), /^\d{6}$/);
      }
    });
  });
}
