import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { startService, type TestService } from '../support/service.ts';
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
