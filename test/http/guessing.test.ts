import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { throttleLimits } from '../../src/domain/throttle.ts';
import { newId } from '../../src/crypto/random.ts';
import { movingClock } from '../support/moving-clock.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import {
  assertNothingIssued,
  guardOf,
  halfway,
  letTimePass,
  newBrowserOf,
  otherFactor,
  recoveryCodesOf,
  wrongCodes,
} from '../support/sign-in.ts';
import type { StepAnswer, UserAgent } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`guessing on ${shape}`, () => {
    const clock = movingClock();
    let service: TestService;
    before(async () => {
      service = await startService(shape, { clock, replicas: 3 });
    });
    after(() => service.close());

    const db = () => service.composed.services.database.kysely;
    const setGuard = (person: TestPerson, values: Record<string, number>) =>
      db().updateTable('guards').set(values).where('user_id', '=', person.id).execute();

    async function knownBrowser(person: TestPerson): Promise<UserAgent> {
      const agent = newBrowserOf(service);
      const { step } = await halfway(service, person, { agent });
      const answer = await agent.submit(step, { code: person.code(-1) });
      assert.equal(answer.page, 'consent');
      return agent;
    }

    async function wrong(agent: UserAgent, step: StepAnswer, person: TestPerson, count: number): Promise<StepAnswer> {
      let last = step;
      for (const code of wrongCodes(person, count)) {
        last = await agent.submit(last.page === 'one-time-code' ? last : step, { code });
      }
      return last;
    }

    test('B01 the fifth wrong code ends the challenge and leads to the password; the right one is not compared', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const last = await wrong(agent, step, person, 5);
      assert.equal(last.page, 'password');
      assert.equal(last.error?.code, 'challenge-spent');
      assert.notEqual((await agent.submit(step, { code: person.code() })).page, 'consent');
      assert.equal((await guardOf(service, person)).total, 5);
      await assertNothingIssued(service, agent, person);
    });

    test('B02 signing in anew gives no new life: twenty a day, fifty in a row, whatever the address', async () => {
      const person = await service.addPerson();
      const compared = async (): Promise<number> =>
        (await service.auditOf(person)).filter(({ type }) => type === 'one-time-code.refused').length;
      const guess = async (day: boolean): Promise<void> => {
        await letTimePass(service, person, { day });
        const { agent, step } = await halfway(service, person);
        if (step.page !== 'one-time-code') return;
        for (const code of wrongCodes(person, 4)) {
          await letTimePass(service, person);
          await agent.submit(step, { code });
        }
      };
      for (let round = 0; round < 7; round += 1) await guess(false);
      assert.equal(await compared(), 20);
      assert.equal((await guardOf(service, person)).total, 20);
      await setGuard(person, { other_in_a_row: 46, total: 46, other_units: 46 });
      for (let round = 0; round < 2; round += 1) await guess(true);
      assert.equal(await compared(), 24);
      assert.equal((await guardOf(service, person)).lanes.other.inARow, 50);
      const { agent, step } = await halfway(service, person);
      const answer = await agent.submit(step, { code: person.code() });
      assert.equal(answer.page, 'recovery-code', 'a closed lane leads to the recovery code');
      assert.equal(await compared(), 24);
    });

    test('B03 of a burst over many browsers and replicas no more is compared than the waits allow', async () => {
      const person = await service.addPerson();
      const browsers: Awaited<ReturnType<typeof halfway>>[] = [];
      for (let n = 0; n < 20; n += 1) browsers.push(await halfway(service, person));
      const codes = wrongCodes(person, 100);
      const answers = await Promise.all(
        codes.map((code, n) => {
          const { agent, step } = browsers[n % browsers.length] ?? assert.fail();
          return agent.submit(step, { code });
        }),
      );
      assert.deepEqual(
        answers.filter(({ status }) => status >= 500),
        [],
      );
      assert.equal((await guardOf(service, person)).total, 5);
      await letTimePass(service, person);
    });

    test('B05 slips in the challenge that succeeds cost nothing; guesses of an abandoned one stay', async () => {
      const person = await service.addPerson();
      const thief = await halfway(service, person);
      await wrong(thief.agent, thief.step, person, 3);
      const owner = await halfway(service, person);
      const last = await wrong(owner.agent, owner.step, person, 1);
      assert.equal((await owner.agent.submit(last, { code: person.code() })).page, 'consent');
      assert.equal((await guardOf(service, person)).total, 3);
    });

    test('B09 a stranger cannot lock the owner out, nor can a holder of the password at the owner’s own browser', async () => {
      const person = await service.addPerson();
      const owner = await knownBrowser(person);
      const before = await guardOf(service, person);
      const attacker = newBrowserOf(service);
      const form = await attacker.begin();
      const answers = new Set<string>();
      for (let n = 0; n < 15; n += 1) {
        const answer = await attacker.submit(form, { login: person.username, password: `wrong ${n}` });
        answers.add(answer.error?.code ?? '');
      }
      assert.deepEqual([...answers], ['wrong-password', 'wait']);
      assert.deepEqual(await guardOf(service, person), before, 'wrong passwords move no counter of codes');
      const thief = await halfway(service, person);
      await wrong(thief.agent, thief.step, person, 5);
      // The password budget of all other browsers and their lane are used up; the owner's own are not.
      const step = await owner.submitPassword(await owner.begin({ prompt: 'login' }), person);
      assert.equal(step.page, 'one-time-code');
      assert.match((await owner.submit(step, { code: person.code() })).page, /consent|left/);
    });

    test('B10 after a hundred wrong passwords only browsers that are known get in, and the answer is the usual one', async () => {
      const person = await service.addPerson();
      const owner = await knownBrowser(person);
      await db().updateTable('users').set({ wrong_passwords_in_a_row: 100 }).where('id', '=', person.id).execute();
      await service.forgetPasswordBudget(person);
      const stranger = newBrowserOf(service);
      const refused = await stranger.submitPassword(await stranger.begin(), person);
      assert.equal(refused.error?.code, 'wrong-password');
      const step = await owner.submitPassword(await owner.begin({ prompt: 'login' }), person);
      assert.equal(step.page, 'one-time-code');
    });

    test('B11 the cookie of somebody else’s browser, or a changed one, makes no browser known', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const theirs = await knownBrowser(other);
      const lanes = async (): Promise<string[]> =>
        (await db().selectFrom('challenges').select('lane').where('user_id', '=', person.id).execute()).map(
          ({ lane }) => lane,
        );
      await halfway(service, person, { agent: theirs.copy(), parameters: { prompt: 'login' } });
      assert.deepEqual(await lanes(), ['other']);
      const tampered = (await knownBrowser(person)).copy();
      const cookie = tampered.cookies.get('twofold-browser')?.value ?? '';
      tampered.plant('twofold-browser', `x${cookie}`);
      await halfway(service, person, { agent: tampered, parameters: { prompt: 'login' } });
      assert.deepEqual([...new Set(await lanes())], ['other']);
    });

    test('B12 recovery codes share the five tries, and their way is never closed for good', async () => {
      const person = await service.addPerson();
      const codes = await recoveryCodesOf(service, person);
      const { agent, step } = await halfway(service, person);
      const afterCodes = await wrong(agent, step, person, 3);
      const page = await otherFactor(agent, afterCodes);
      assert.equal(page.page, 'recovery-code');
      await agent.submit(page, { code: 'AAAA-AAAA-AAAA-AAAA-AAAA' });
      const last = await agent.submit(page, { code: 'AAAA-AAAA-AAAA-AAAA-AAAA' });
      assert.equal(last.page, 'password', 'three codes and two recovery codes are five');
      assert.equal((await guardOf(service, person)).total, 3, 'a recovery code costs no units');
      await setGuard(person, { other_in_a_row: 47 });
      for (let n = 0; n < 2; n += 1) {
        await letTimePass(service, person);
        const again = await halfway(service, person);
        const recovery = await otherFactor(again.agent, again.step);
        for (let m = 0; m < 5; m += 1) {
          await letTimePass(service, person);
          await again.agent.submit(recovery, { code: 'AAAA-AAAA-AAAA-AAAA-AAAA' });
        }
      }
      await letTimePass(service, person);
      const owner = await halfway(service, person);
      const recovery = await otherFactor(owner.agent, owner.step);
      assert.equal((await owner.agent.submit(recovery, { code: codes[0] ?? '' })).page, 'consent');
    });

    test('B13 codes guessed at the account page count in the same lanes and the same total', async () => {
      const person = await service.addPerson();
      const owner = await knownBrowser(person);
      const page = await (await owner.get('/account/recovery-codes')).text();
      const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
      for (const code of wrongCodes(person, 3)) {
        assert.equal((await owner.post('/account/recovery-codes', { csrf, code })).status, 422);
      }
      const guard = await guardOf(service, person);
      assert.equal(guard.total, 3);
      assert.equal(guard.lanes.known.inARow, 3);
    });

    test('B15 B16 a client’s own claims of an address buy no budget; unreadable ones share a single one', async () => {
      const attempt = async (headers: Record<string, string>): Promise<string> => {
        const agent = newBrowserOf(service);
        const form = await agent.begin();
        const response = await agent.request(form.action, {
          method: 'POST',
          body: new URLSearchParams({ csrf: form.csrf, login: `nobody-${newId()}`, password: 'wrong' }),
          headers: { accept: 'application/json', origin: service.issuer, ...headers },
        });
        return ((await response.json()) as StepAnswer).error?.code ?? '';
      };
      const claims = (n: number): Record<string, string> => ({
        'x-forwarded-for': `9.9.${n}.1, 203.0.113.${n}`,
        forwarded: `for=9.8.${n}.1`,
        'x-real-ip': `9.7.${n}.1`,
        'cf-connecting-ip': `9.6.${n}.1`,
        'true-client-ip': `9.5.${n}.1`,
      });
      const seen = await Promise.all(Array.from({ length: 60 }, (_, n) => attempt(claims(n + 1))));
      const passed = seen.filter((code) => code === 'wrong-password').length;
      assert.ok(passed >= 50 && passed < 60, `of the network that the proxy saw ${passed} were taken`);
      assert.equal(await attempt({ 'x-forwarded-for': '9.9.1.1' }), 'wrong-password', 'and nobody else’s is');
      const unreadable = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          attempt({ 'x-forwarded-for': [`a${n}`, `fe80::${n}%eth0`, '1'.repeat(500 + n)][n % 3] ?? '' }),
        ),
      );
      assert.ok(unreadable.includes('wait'));
    });

    test('B17 says how long to wait, in the header and in words, and how a recovery code helps', async () => {
      const person = await service.addPerson();
      const first = await halfway(service, person);
      await wrong(first.agent, first.step, person, 5);
      const { agent, step } = await halfway(service, person);
      const json = await agent.post(step.action, { csrf: step.csrf, code: person.code() }, 'application/json');
      assert.equal(json.status, 429);
      const seconds = Number(json.headers.get('retry-after'));
      assert.ok(seconds > 0 && seconds <= 61, String(seconds));
      assert.equal(((await json.json()) as StepAnswer).retry_after, seconds);
      const html = await agent.post(step.action, { csrf: step.csrf, code: person.code() });
      assert.equal(html.status, 429);
      const text = await html.text();
      assert.match(text, /use-recovery-code/);
      assert.match(text, /role="alert"/);
      assert.equal((await guardOf(service, person)).total, 5);
    });

    test('B19 tells at thirty, asks for a new password from a hundred, closes at the cap; a recovery code opens it', async () => {
      const limits = throttleLimits(1, 6) ?? assert.fail();
      const person = await service.addPerson();
      const codes = await recoveryCodesOf(service, person);
      const told = async (kind: string): Promise<number> =>
        (
          await db()
            .selectFrom('outbox')
            .select('id')
            .where('user_id', '=', person.id)
            .where('kind', '=', kind)
            .execute()
        ).length;
      const one = await halfway(service, person);
      await setGuard(person, { total: limits.tellAt - 1 });
      await wrong(one.agent, one.step, person, 1);
      assert.equal(await told('codes-guessed'), 1);

      await setGuard(person, { total: limits.changePasswordAt });
      const two = await halfway(service, person);
      const change = await two.agent.submit(two.step, { code: person.code() });
      assert.equal(change.page, 'change-password');
      await assertNothingIssued(service, two.agent, person);
      const password = `a brand new one ${newId()}`;
      const weak = await two.agent.submit(change, { new_password: 'short' });
      assert.equal(weak.page, 'change-password');
      assert.equal((await two.agent.submit(weak, { new_password: password })).page, 'consent');
      assert.equal((await guardOf(service, person)).total, 0, 'the guesser’s password is worthless now');

      const renewed = { ...person, password };
      await setGuard(person, { total: limits.cap });
      const three = await halfway(service, renewed);
      const closed = await three.agent.submit(three.step, { code: person.code(1) });
      assert.equal(closed.page, 'recovery-code');
      const again = await three.agent.submit(closed, { code: codes[0] ?? '' });
      assert.equal(again.page, 'change-password');
      const done = await three.agent.submit(again, { new_password: `${password} 2` });
      assert.match(done.page, /consent|left/);
      assert.equal((await guardOf(service, person)).total, 0);
    });

    test('B20 fifty failures in both lanes unbind the authenticator and void the password', async () => {
      const person = await service.addPerson();
      const other = await halfway(service, person);
      await setGuard(person, { known_in_a_row: 50, other_in_a_row: 49, other_units: 49, total: 99 });
      await wrong(other.agent, other.step, person, 1);
      const status = await service.composed.services.status(person.id);
      assert.equal(status.enabled, false);
      const user = await service.composed.services.inTransaction(({ users }) => users.find(person.id));
      assert.equal(user?.passwordHash, null);
      await service.forgetPasswordBudget(person);
      const agent = newBrowserOf(service);
      assert.equal((await agent.submitPassword(await agent.begin(), person)).error?.code, 'wrong-password');
      assert.notEqual((await other.agent.submit(other.step, { code: person.code() })).page, 'consent');
      await assertNothingIssued(service, other.agent, person);
    });

    test('B20 what a dead replica left undone after the fiftieth failure, the next try does', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      await setGuard(person, { known_in_a_row: 50, other_in_a_row: 50, other_units: 50, total: 100 });
      await agent.submit(step, { code: person.code() });
      assert.equal((await service.composed.services.status(person.id)).enabled, false);
    });

    test('B22 evaluates no code before the password and charges nothing for it', async () => {
      const person = await service.addPerson();
      const agent = newBrowserOf(service);
      const first = await agent.begin();
      for (const name of ['one-time-code', 'recovery-code', 'enrol', 'recovery-codes', 'change-password', 'consent']) {
        const action = first.action.replace(/password$/, name);
        const answer = await agent.submit(first, { code: person.code(), new_password: 'x', decision: 'allow' }, action);
        assert.equal(answer.page, 'password', name);
      }
      assert.equal((await guardOf(service, person)).total, 0);
      await assertNothingIssued(service, agent, person);
    });

    test('B23 single guesses at many accounts put the brake on: three a day from unknown browsers', async () => {
      const person = await service.addPerson();
      const first = await halfway(service, person);
      await wrong(first.agent, first.step, person, 3);
      for (let n = 0; n < 50; n += 1) {
        const victim = newId();
        const named = { id: victim, username: victim, email: null, emailVerified: false, passwordHash: null };
        const user = { ...named, roles: [], claims: {}, locale: null };
        await service.composed.services.inTransaction(({ users }) => users.insert(user));
        const id = newId();
        const challenge = { id, userId: victim, lane: 'other', purpose: 'sign-in', boundTo: 'here' } as const;
        await service.composed.services.inTransaction(({ guards }) => guards.open(challenge, 600));
        await db().updateTable('challenges').set({ tries: 1 }).where('id', '=', id).execute();
      }
      clock.move(16);
      await letTimePass(service, person);
      const { agent, step } = await halfway(service, person);
      const answer = await agent.submit(step, { code: person.code() });
      assert.equal(answer.status, 429);
      assert.ok(answer.retry_after > 3600);
      const braked = await db().selectFrom('audit_events').select('id').where('type', '=', 'brake.applied').execute();
      assert.ok(braked.length > 0);
      clock.move(-16);
    });
  });
}
