import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { movingClock } from '../support/moving-clock.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { assertNothingIssued, guardOf, halfway, issuedTo, wrongCodes } from '../support/sign-in.ts';
import { UserAgent } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`verification of codes on ${shape}`, () => {
    const clock = movingClock();
    let service: TestService;
    before(async () => {
      service = await startService(shape, { clock, replicas: 3 });
    });
    after(() => service.close());

    test('A01 refuses a code a second time in the same step, says only that it is wrong, and records a replay', async () => {
      const person = await service.addPerson();
      const [one, two] = [await halfway(service, person), await halfway(service, person)];
      const code = person.code();
      assert.equal((await one.agent.submit(one.step, { code })).page, 'consent');
      const refused = await two.agent.submit(two.step, { code });
      assert.equal(refused.error?.code, 'wrong-code');
      const refusals = (await service.auditOf(person)).filter(({ type }) => type === 'one-time-code.refused');
      assert.deepEqual(
        refusals.map(({ reason }) => reason),
        ['replay'],
      );
      assert.equal((await guardOf(service, person)).total, 0, 'a replay costs the owner nothing');
    });

    test('A02 of fifty parallel posts of one right code from as many browsers one succeeds', async () => {
      const person = await service.addPerson();
      const count = shape === 'servers' ? 50 : 20;
      const browsers = [];
      for (let n = 0; n < count; n += 1) browsers.push(await halfway(service, person));
      const code = person.code();
      const answers = await Promise.all(browsers.map(({ agent, step }) => agent.submit(step, { code })));
      assert.equal(answers.filter(({ page }) => page === 'consent').length, 1);
      assert.deepEqual(
        answers.filter(({ status }) => status >= 500),
        [],
      );
      assert.equal((await issuedTo(service, person)).sessions, 1);
    });

    test('A07 accepts the steps of the window and no other, at the borders of a step as well', async () => {
      const start = Math.floor(Date.now() / 30_000) * 30_000;
      for (const at of [start, start + 29_999]) {
        clock.freeze(at);
        try {
          for (const offset of [-2, -1, 0, 1, 2]) {
            const person = await service.addPerson();
            const { agent, step } = await halfway(service, person);
            const answer = await agent.submit(step, { code: person.code(offset) });
            assert.equal(answer.page, Math.abs(offset) <= 1 ? 'consent' : 'one-time-code', `${offset} at ${at}`);
          }
        } finally {
          clock.freeze(undefined);
        }
      }
    });

    test('A09 spaces and separators make no second code of a used one', async () => {
      const person = await service.addPerson();
      const code = person.code();
      const one = await halfway(service, person);
      assert.equal((await one.agent.submit(one.step, { code })).page, 'consent');
      const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
      const spellings = [spaced, ` ${code}`, `${code}\n`, spaced.replace(' ', '-'), `${code}\0`, `０${code}`];
      for (const spelling of spellings) {
        const { agent, step } = await halfway(service, person);
        const answer = await agent.submit(step, { code: spelling });
        assert.equal(answer.error?.code, 'wrong-code', JSON.stringify(spelling));
        await letWaitsPass(person.id);
      }
      const refused = (await service.auditOf(person)).filter(({ type }) => type === 'one-time-code.refused');
      assert.equal(refused.length, spellings.length, 'each is one try');
    });

    test('A11 a missing, doubled, listed or nested code is refused and never means "any of these"', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const code = person.code();
      const form = async (body: string, type = 'application/x-www-form-urlencoded'): Promise<Response> =>
        agent.request(step.action, {
          method: 'POST',
          body,
          headers: { accept: 'application/json', origin: service.issuer, 'content-type': type },
        });
      const csrf = `csrf=${encodeURIComponent(step.csrf)}`;
      for (const body of [
        `${csrf}&code=${code}&code=${code}`,
        `${csrf}&code[]=${code}`,
        `${csrf}&code[length]=6`,
        `${csrf}&code%5B%5D=${code}`,
      ]) {
        assert.equal((await form(body)).status, 400, body);
      }
      const list = Array.from({ length: 1000 }, () => code);
      for (const value of [Number(code), [code], list, { code }, null, [[code]]]) {
        const answer = await form(JSON.stringify({ csrf: step.csrf, code: value }), 'application/json');
        assert.equal(answer.status, 400, JSON.stringify(value).slice(0, 40));
      }
      assert.equal((await guardOf(service, person)).total, 0, 'nothing of that could be compared');
      for (const body of [csrf, `${csrf}&code=`]) assert.equal((await form(body)).status, 422, body);
      assert.equal((await form(JSON.stringify({ csrf: step.csrf, code: true }), 'application/json')).status, 422);
      await assertNothingIssued(service, agent, person);
    });

    test('A12 refuses the codes everybody knows: of no secret, of an empty one, of the RFC’s', async () => {
      const person = await service.addPerson();
      const step = timeStepAt(clock.epochSeconds(), 30);
      const parameters = { algorithm: 'SHA1', digits: 6, periodSeconds: 30 } as const;
      const secrets = [Buffer.alloc(20), Buffer.from('12345678901234567890'), Buffer.alloc(1)];
      const codes = ['000000', '123456', ...secrets.map((secret) => oneTimeCode({ ...parameters, secret }, step))];
      const { agent, step: form } = await halfway(service, person);
      let last = form;
      for (const code of codes) last = await agent.submit(last.page === 'one-time-code' ? last : form, { code });
      assert.equal(last.page, 'password', 'five wrong codes end the challenge');
      await assertNothingIssued(service, agent, person);
    });

    test('A13 refuses the right code of somebody else', async () => {
      const [one, two] = [await service.addPerson(), await service.addPerson()];
      for (const [person, other] of [
        [one, two],
        [two, one],
      ] as const) {
        const { agent, step } = await halfway(service, person);
        assert.equal((await agent.submit(step, { code: other.code() })).error?.code, 'wrong-code');
        await assertNothingIssued(service, agent, person);
      }
    });

    test('A14 what a client says of time, window or secret changes nothing', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      agent.plant('timestamp', '0');
      const old = person.code(-10);
      const claims = { timestamp: String((timeStepAt(clock.epochSeconds(), 30) - 10) * 30), window: '50', skew: '50' };
      const more = { period: '1', digits: '1', secret: 'AAAAAAAA', drift: '-10', step: '1' };
      const query = `${step.action}?${new URLSearchParams({ ...claims, ...more }).toString()}`;
      const answer = await agent.submit(step, { code: old, ...claims, ...more }, query);
      assert.equal(answer.page, 'one-time-code');
      await assertNothingIssued(service, agent, person);
    });

    test('A16 wrong, replayed and early codes get one and the same answer', async () => {
      const person = await service.addPerson();
      const used = await halfway(service, person);
      await used.agent.submit(used.step, { code: person.code() });
      const shapes = new Set<string>();
      for (const code of [wrongCodes(person, 1)[0] ?? '', person.code(), person.code(10), 'letters']) {
        const { agent, step } = await halfway(service, person);
        const response = await agent.post(step.action, { csrf: step.csrf, code }, 'application/json');
        const names = [...response.headers.keys()].filter((name) => name !== 'content-length').sort();
        const body = (await response.json()) as Record<string, unknown>;
        for (const own of ['csrf', 'action', 'reference']) delete body[own];
        shapes.add(
          JSON.stringify([response.status, names, body]).replaceAll(/\/interaction\/[\w-]+/g, '/interaction/x'),
        );
      }
      assert.equal(shapes.size, 1, [...shapes].join('\n'));
    });

    test('A16 two early codes at one offset earn the message about the clock, and are spent', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const [one, two] = [person.code(4), person.code(5)];
      assert.equal((await agent.submit(step, { code: one })).error?.code, 'wrong-code');
      clock.move(30);
      const told = await agent.submit(step, { code: two });
      assert.equal(told.error?.code, 'clock-ahead');
      clock.move(-30);
    });

    test('A17 a code in an address is never verified', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const page = step.action.replace(/\/one-time-code$/, '');
      assert.equal((await agent.look(`${page}?code=${person.code()}`)).page, 'one-time-code');
      const direct = await agent.get(`${step.action}?code=${person.code()}`);
      assert.ok([404, 405].includes(direct.status), String(direct.status));
      assert.equal((await guardOf(service, person)).total, 0);
      await assertNothingIssued(service, agent, person);
    });

    test('A18 refuses codes that are cut or long, a megabyte of digits before anything is compared', async () => {
      const person = await service.addPerson();
      const code = person.code();
      const { agent, step } = await halfway(service, person);
      for (const typed of [code.slice(0, 5), `${code}0`, `${code}00`, `0${code}`]) {
        assert.equal((await agent.submit(step, { code: typed })).error?.code, 'wrong-code', typed);
      }
      const before = (await guardOf(service, person)).total;
      assert.equal((await agent.submit(step, { code: '1'.repeat(1_000_000) })).status, 413);
      assert.equal((await guardOf(service, person)).total, before);
      await assertNothingIssued(service, agent, person);
    });

    test('A12 A21 what is shown for enrolment has a secret of at least 160 bits and the parameters apps expect', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const { step } = await halfway(service, person);
      const uri = new URL(step.enrolment?.otpauth_uri ?? '');
      assert.ok((secretFromBase32(uri.searchParams.get('secret') ?? '')?.length ?? 0) >= 20);
      assert.equal(uri.searchParams.get('digits'), '6');
      assert.equal(uri.searchParams.get('period'), '30');
      assert.equal(uri.searchParams.get('algorithm'), 'SHA1');
      assert.ok(uri.searchParams.get('issuer'));
    });

    async function letWaitsPass(userId: string): Promise<void> {
      await service.composed.services.database.kysely
        .updateTable('guards')
        .set({ other_next_try_at: null, other_in_a_row: 0 })
        .where('user_id', '=', userId)
        .execute();
    }
  });
}

describe('replicas whose clocks are twenty seconds apart', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers', { replicas: 2, clock: [movingClock(10), movingClock(-10)] });
  });
  after(() => service.close());

  test('A08 a code used at one is refused at the other, and people get in at the first try', async () => {
    const right = (person: Awaited<ReturnType<TestService['addPerson']>>): string =>
      oneTimeCode(person.totp, timeStepAt(Math.floor(Date.now() / 1000), 30));
    for (let n = 0; n < 10; n += 1) {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const code = right(person);
      assert.equal((await agent.submit(step, { code })).page, 'consent');
      const address = service.addresses[n % 2] ?? '';
      const one = new UserAgent(service.issuer, { 'x-forwarded-for': `203.0.113.${n}` }, [address]);
      const again = await halfway(service, person, { agent: one });
      assert.equal((await one.submit(again.step, { code })).error?.code, 'wrong-code');
    }
  });
});

test('A22 people sign in in 2100', async () => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2100, 5, 1) });
  try {
    const service = await startService('embedded');
    const person = await service.addPerson();
    const { agent, step } = await halfway(service, person);
    assert.equal((await agent.submit(step, { code: person.code() })).page, 'consent');
    await service.close();
  } finally {
    mock.timers.reset();
  }
});
