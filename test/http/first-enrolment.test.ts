import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { createSetupByLink } from '../../src/account/setup-by-link.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { TestClock } from '../support/test-clock.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('a first authenticator on the account page', () => {
  let service: TestService;
  const clock = new TestClock(20_000);
  before(async () => {
    service = await startService('embedded', { clock, environment: { TWOFOLD_SECOND_FACTOR: 'optional' } });
  });
  after(() => service.close());

  test('D03 takes a password that was proven within five minutes; later it is asked again', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const agent = new UserAgent(service.issuer);
    const signedIn = await agent.submitPassword(await agent.begin(), person);
    assert.equal(signedIn.page, 'consent');
    await agent.submit(signedIn, { decision: 'allow' });
    clock.advance(301);
    const account = await agent.get('/account');
    const again = await agent.follow(account.headers.get('location') ?? '');
    assert.equal(again.page, 'password');
    const enrol = await agent.submitPassword(again, person);
    assert.equal(enrol.page, 'enrol');
    const secret = secretFromBase32(enrol.enrolment?.secret ?? '');
    assert.ok(secret);
    const code = oneTimeCode(
      { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 },
      timeStepAt(clock.epochSeconds(), 30),
    );
    const codes = await agent.submit(enrol, { code });
    assert.equal(codes.page, 'recovery-codes');
    await agent.submit(codes, { saved: 'yes' });
    const page = await agent.get('/account');
    assert.equal(page.status, 200);
  });
});

for (const shape of ['servers', 'embedded'] as const) {
  describe(`a set-up link on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape);
    });
    after(() => service.close());

    test('D03 compares ten codes with a secret it shows, however many are sent at once', async () => {
      const { services } = service.composed;
      const user = { username: 'newcomer', email: null, claims: {}, roles: [], locale: null };
      const made = await services.manageUsers.create(user, 'test', testContext);
      const token = made.activationToken;
      const [setup, other] = [createSetupByLink(services), createSetupByLink(services)];
      const [one, another] = await Promise.all([setup.open(token), other.open(token)]);
      assert.equal(one.enrolment.secret, another.enrolment.secret, 'two who open it see the same secret');
      const wrong = { username: '', email: '', password: 'nine green elephants', code: '000000' };
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 ? setup : other).complete(token, wrong, testContext)),
      );
      const compared = outcomes.filter((outcome) => outcome.kind === 'refused' && outcome.error.field === 'code');
      const left = compared.map((outcome) => outcome.kind === 'refused' && outcome.error.values?.['triesLeft']);
      assert.deepEqual(
        left.map(Number).toSorted((first, second) => first - second),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      const after = await setup.open(token);
      assert.notEqual(after.enrolment.secret, one.enrolment.secret, 'the secret is void, the link is not');
    });
  });
}
