import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { movingClock } from '../support/moving-clock.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { untilMarked } from '../support/until-marked.ts';
import { claimsOf, codeOf, redeem, token, UserAgent, type StepAnswer } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`sign-in on ${shape}`, () => {
    const clock = movingClock();
    let service: TestService;
    before(async () => {
      service = await startService(shape, { clock });
    });
    after(() => service.close());

    /** Nothing was issued and nobody is signed in: by redirects, by `prompt=none`, at the account page. */
    async function assertNothingIssued(agent: UserAgent): Promise<void> {
      const silent = await agent.copy().begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /[?&]error=(login|interaction)_required/);
      assert.doesNotMatch(silent.location ?? '', /[?&]code=/);
      const account = await agent.copy().get('/account');
      assert.equal(account.status, 303);
      assert.match(account.headers.get('location') ?? '', /^\/auth\?/);
    }

    test('issues tokens that tell the truth after password, one-time code and consent', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const before = Math.floor(Date.now() / 1000);
      const first = await agent.begin({ nonce: 'n-1' });
      assert.equal(first.page, 'password');
      const code = await agent.submitPassword(first, person);
      assert.equal(code.page, 'one-time-code');
      const consent = await agent.submit(code, { code: person.code() });
      assert.equal(consent.page, 'consent');
      const finished = await agent.submit(consent, { decision: 'allow' });
      const url = new URL(finished.location ?? '');
      assert.equal(url.searchParams.get('iss'), service.issuer);
      assert.equal(url.searchParams.get('state'), 'the-state');
      const claims = claimsOf(await redeem(service.issuer, codeOf(finished), first.verifier));
      assert.equal(claims['sub'], person.id);
      assert.equal(claims['nonce'], 'n-1');
      assert.equal(claims['acr'], 'urn:twofold:acr:2fa');
      assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
      assert.ok((claims['auth_time'] as number) >= before);
    });

    test('C02 C03 a password alone opens no door', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await assertNothingIssued(agent);
      await agent.submitPassword(await agent.begin(), person);
      await assertNothingIssued(agent);
    });

    test('C11 who has no factor enrols one, confirmed, before anything is issued', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const agent = new UserAgent(service.issuer);
      const first = await agent.begin();
      const enrol = await agent.submitPassword(first, person);
      assert.equal(enrol.page, 'enrol');
      await assertNothingIssued(agent);
      const wrong = await agent.submit(enrol, { code: '000000' });
      assert.equal(wrong.error?.code, 'wrong-enrolment-code');
      assert.equal(wrong.enrolment?.secret, enrol.enrolment?.secret, 'the same picture is shown again');
      const code = codeFor(enrol.enrolment?.secret ?? '');
      const codes = await agent.submit(wrong, { code });
      assert.equal(codes.page, 'recovery-codes');
      assert.equal(codes.codes?.length, 10);
      await assertNothingIssued(agent);
      const consent = await agent.submit(codes, { saved: 'yes' });
      assert.equal(consent.page, 'consent');
      const finished = await agent.submit(consent, { decision: 'allow' });
      const claims = claimsOf(await redeem(service.issuer, codeOf(finished), first.verifier));
      assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
      // The confirming step counts as used.
      const again = new UserAgent(service.issuer);
      const refused = await again.submit(await again.submitPassword(await again.begin(), person), { code });
      assert.equal(refused.error?.code, 'wrong-code');
      // A recovery code signs in once, and says so.
      const [recoveryCode = ''] = codes.codes ?? [];
      const recovered = await useRecoveryCode(again, refused, recoveryCode);
      assert.equal(recovered.page, 'left');
      const other = new UserAgent(service.issuer);
      const step = await other.submitPassword(await other.begin(), person);
      assert.equal((await useRecoveryCode(other, step, recoveryCode)).error?.code, 'wrong-recovery-code');
    });

    test('C15 D15 a refresh keeps acr, amr and auth_time; a wrong secret gets nothing', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const finished = await agent.signIn(person, { scope: 'openid offline_access', prompt: 'consent' });
      const tokens = await agent.redeem(finished);
      assert.ok(tokens.refresh_token);
      const refreshed = await token(service.issuer, {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
      });
      const [a, b] = [claimsOf(tokens), claimsOf(refreshed)];
      for (const name of ['sub', 'iss', 'aud', 'acr', 'amr', 'auth_time']) assert.deepEqual(b[name], a[name], name);
    });

    test('E04 a code serves once, and its later reuse ends the tokens it gave', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const finished = await agent.signIn(person, { scope: 'openid offline_access', prompt: 'consent' });
      const tokens = await agent.redeem(finished);
      assert.ok(tokens.access_token);
      // Until a moment after the answer a second redemption counts as the loser of a race.
      await untilMarked(service, codeOf(finished));
      clock.move(3);
      assert.equal((await agent.redeem(finished)).error, 'invalid_grant');
      const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
      assert.equal(me.status, 401);
      const dead = await token(service.issuer, {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token ?? '',
      });
      assert.equal(dead.error, 'invalid_grant');
      assert.equal((await agent.redeem(finished)).error, 'invalid_grant');
      const recorded = await service.auditOf(person);
      assert.equal(recorded.filter(({ type }) => type === 'code.reused').length, 1);
    });

    test('of many parallel redemptions of one code one is answered with tokens, which then work', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const finished = await agent.signIn(person);
      const answers = await Promise.all(Array.from({ length: 30 }, () => agent.redeem(finished)));
      const won = answers.filter(({ access_token: accessToken }) => accessToken !== undefined);
      assert.equal(won.length, 1);
      const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${won[0]?.access_token}` } });
      assert.equal(me.status, 200);
    });

    test('C08 C10 another sign-in over a session leaves it alone until both factors of the other are proven', async () => {
      const [one, two] = [await service.addPerson(), await service.addPerson()];
      const agent = new UserAgent(service.issuer);
      await agent.signIn(one);
      const step = await agent.submitPassword(await agent.begin({ prompt: 'login' }), two);
      assert.equal(step.page, 'one-time-code');
      const silent = await agent.copy().begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /[?&]code=/, 'the first person is still signed in');
      const cancelled = await agent.submit(step, {}, step.action.replace(/one-time-code$/, 'abort'));
      assert.match(cancelled.location ?? '', /error=access_denied/);
      assert.equal((await service.auditOf(two)).at(-1)?.type, 'sign-in.refused');
      const again = await agent.submitPassword(await agent.begin({ prompt: 'login' }), two);
      let finished = await agent.submit(again, { code: two.code() });
      if (finished.page === 'consent') finished = await agent.submit(finished, { decision: 'allow' });
      assert.match(finished.location ?? '', /[?&]code=/);
    });

    test('F05 after signing out at the account page every old cookie is dead', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await agent.signIn(person);
      const thief = agent.copy();
      const page = await (await agent.get('/account')).text();
      const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
      assert.equal((await agent.post('/account/sign-out', { csrf })).status, 200);
      for (const each of [agent, thief]) {
        const silent = await each.begin({ prompt: 'none' });
        assert.match(silent.location ?? '', /error=login_required/);
      }
    });

    test('D19 G05 changes at the account page need its own form', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await agent.signIn(person);
      assert.equal((await agent.post('/account/sessions/end-others', { csrf: 'x' })).status, 403);
      const foreign = await agent.request('/account/sessions/end-others', {
        method: 'POST',
        body: new URLSearchParams({ csrf: 'x' }),
        headers: { origin: 'https://evil.example' },
      });
      assert.equal(foreign.status, 403);
    });

    async function useRecoveryCode(agent: UserAgent, step: StepAnswer, code: string): Promise<StepAnswer> {
      const action = step.action.replace(/one-time-code$/, 'use-recovery-code');
      const page = await agent.submit(step, {}, action);
      assert.equal(page.page, 'recovery-code');
      let next = await agent.submit(page, { code });
      if (next.page === 'consent') next = await agent.submit(next, { decision: 'allow' });
      return next;
    }

    function codeFor(secret: string): string {
      const bytes = secretFromBase32(secret);
      assert.ok(bytes);
      const now = service.composed.services.clock.epochSeconds();
      return oneTimeCode({ secret: bytes, algorithm: 'SHA1', digits: 6, periodSeconds: 30 }, timeStepAt(now, 30));
    }
  });
}
