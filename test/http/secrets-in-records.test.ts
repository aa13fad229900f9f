import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Writable } from 'node:stream';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { createLogger } from '../../src/logger.ts';
import { freePort, startService, testClient, type TestService } from '../support/service.ts';
import { newBrowserOf, otherFactor, wrongCodes } from '../support/sign-in.ts';
import { codeOf, token, type UserAgent } from '../support/user-agent.ts';

describe('what is written down of a run', () => {
  const logged: string[] = [];
  let metricsPort: number;
  let service: TestService;
  before(async () => {
    metricsPort = await freePort();
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString('utf8'));
        done();
      },
    });
    service = await startService('servers', {
      logger: createLogger('debug', stream),
      environment: { TWOFOLD_METRICS_PORT: String(metricsPort) },
    });
  });
  after(() => service.close());

  test('I3 K08 log, record and metrics of a run hold none of its secrets; each event stands there once, with who and where', async () => {
    const secrets = new Map<string, string>([['client secret', testClient.secret]]);
    const keep = (name: string, value: string | undefined): void => {
      if (value !== undefined && value !== '') secrets.set(`${name} ${secrets.size}`, value);
    };
    const keepCookies = (agent: UserAgent): void => {
      for (const [name, { value }] of agent.cookies) if (value.length > 12) keep(`cookie ${name}`, value.split('~')[0]);
    };
    const person = await service.addPerson({ withoutFactor: true });
    keep('password', person.password);
    const agent = newBrowserOf(service);
    const first = await agent.begin({ scope: 'openid offline_access', prompt: 'consent' });
    keep('verifier', first.verifier);
    const wrong = 'a wrong password of this run';
    keep('wrong password', wrong);
    let step = await agent.submit(first, { login: person.username, password: wrong });
    step = await agent.submitPassword(step, person);
    assert.equal(step.page, 'enrol');
    const { secret = '', otpauth_uri: uri = '' } = step.enrolment ?? {};
    const raw = secretFromBase32(secret.replaceAll(' ', '')) ?? Buffer.alloc(0);
    assert.ok(raw.length >= 16);
    for (const form of [
      secret.replaceAll(' ', ''),
      raw.toString('base64'),
      raw.toString('hex'),
      raw.toString('base64url'),
    ])
      keep('totp', form);
    keep('otpauth', uri);
    const now = (offset = 0): string =>
      oneTimeCode(
        { secret: raw, algorithm: 'SHA1', digits: 6, periodSeconds: 30 },
        timeStepAt(Math.floor(Date.now() / 1000), 30) + offset,
      );
    const enrolled = now(-1);
    keep('code', enrolled);
    keep('csrf', step.csrf);
    step = await agent.submit(step, { code: enrolled });
    assert.equal(step.page, 'recovery-codes');
    for (const code of step.codes ?? []) {
      keep('recovery code', code);
      keep('recovery code', code.replaceAll('-', ''));
    }
    const recovery = step.codes?.[0] ?? '';
    step = await agent.submit(step, { saved: 'yes' });
    assert.equal(step.page, 'consent');
    keepCookies(agent);
    const refusing = agent.copy();
    const refused = await refusing.begin({ prompt: 'consent' });
    assert.match((await refusing.submit(refused, { decision: 'deny' })).location ?? '', /error=access_denied/);
    step = await agent.submit(step, { decision: 'allow' });
    keepCookies(agent);
    const code = codeOf(step);
    keep('authorization code', code);
    const tokens = await agent.redeem({ ...step, verifier: first.verifier });
    const refreshed = await token(service.issuer, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token ?? '',
    });
    for (const set of [tokens, refreshed]) {
      keep('access token', set.access_token);
      keep('refresh token', set.refresh_token);
      keep('id token', set.id_token);
    }
    await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    await fetch(`${service.issuer}/account/api/v1/second-factor`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    await agent.get(`/logout?id_token_hint=${tokens.id_token}`);
    await agent.get(`/auth?password=${encodeURIComponent(person.password)}&code=${enrolled}`);

    const second = newBrowserOf(service);
    let again = await second.submitPassword(await second.begin(), person);
    const [guess = ''] = wrongCodes({ ...person, totp: { ...person.totp, secret: raw }, code: now }, 1);
    keep('guess', guess);
    again = await second.submit(again, { code: guess });
    again = await second.submit(again, { code: now() });
    keep('code', now());
    keep('authorization code', again.location === undefined ? undefined : codeOf(again));
    const third = newBrowserOf(service);
    let last = await otherFactor(third, await third.submitPassword(await third.begin(), person));
    last = await third.submit(last, { code: recovery });
    keepCookies(second);
    keepCookies(third);
    assert.equal(last.page, 'left');

    const metrics = await (await fetch(`http://localhost:${metricsPort}/metrics`)).text();
    const events = await service.composed.services.database.kysely
      .selectFrom('audit_events')
      .selectAll()
      .orderBy('id')
      .execute();
    const written = { log: logged.join(''), record: JSON.stringify(events), metrics };
    assert.ok(logged.length > 20 && metrics.includes('twofold'));
    for (const [where, text] of Object.entries(written)) {
      for (const [name, value] of secrets) {
        for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64')])) {
          const found = /^\d{6}$/.test(form)
            ? new RegExp(`(?<![\\w.-])${form}(?![\\w.-])`).test(text)
            : text.includes(form);
          assert.equal(found, false, `${name} stands in the ${where}`);
        }
      }
      assert.doesNotMatch(text, /otpauth:|PRIVATE KEY/, where);
    }

    const own = events.filter(({ target, actor }) => target === person.id || actor === person.id);
    const count = (type: string): number => own.filter((event) => event.type === type).length;
    const expected: Record<string, number> = {
      'password.refused': 1,
      'password.accepted': 3,
      'enrolment.started': 1,
      'enrolment.confirmed': 1,
      'one-time-code.refused': 1,
      'one-time-code.accepted': 1,
      'recovery-code.accepted': 1,
      'consent.granted': 1,
      'consent.refused': 1,
      'sign-in.completed': 3,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((type) => [type, count(type)])), expected);
    for (const event of own) {
      assert.notEqual(event.actor, '', event.type);
      assert.notEqual(event.request_id, '', event.type);
      assert.notEqual(event.origin_sealed, null, event.type);
    }
  });
});
