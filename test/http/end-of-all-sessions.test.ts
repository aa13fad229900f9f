import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { adminClient, registerAdminTool, serviceToken } from '../support/admin-app.ts';
import { codeForPicture } from '../support/policy-parties.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, issuedTo, newBrowserOf, otherFactor, provenNow, recoveryCodesOf } from '../support/sign-in.ts';
import { testContext } from '../support/stores.ts';
import { until } from '../support/until.ts';
import { token, type UserAgent, type StepAnswer } from '../support/user-agent.ts';

const nothing = { sessions: 0, grants: 0 };
const xsrfIn = (html: string): string => /name="xsrf" value="([^"]+)"/.exec(html)?.[1] ?? '';

describe('the end of all sessions', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers');
  });
  after(() => service.close());
  const db = () => service.composed.services.database.kysely;

  /** Another connection, in which a transaction stands open while something is done. */
  async function beside(statement: string, work: (end: () => Promise<unknown>) => Promise<void>): Promise<void> {
    const holder = new pg.Client({ connectionString: service.composed.services.settings.databaseUrl });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query(statement);
      await work(() => holder.query('commit'));
    } finally {
      await holder.end();
    }
  }
  const waiting = (event: string) => async (): Promise<boolean> => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event = ${event}`.execute(db());
    return rows.length > 0;
  };
  const endSessions = (person: TestPerson, keep: string | null = null) =>
    service.composed.services.inTransaction((stores) => stores.endSessions(person.id, keep));
  const reset = ({ id: userId }: TestPerson) =>
    service.composed.services.resetSecondFactor.reset({ userId, actor: 'test', reason: 'lost', context: testContext });
  const factorsOf = async ({ id }: TestPerson): Promise<readonly string[]> =>
    (await service.composed.services.status(id)).authenticators.map((one) => one.id);

  /** A recovery code was used, and the page shows the new authenticator of whoever used it. */
  async function replacing(person: TestPerson): Promise<{ agent: UserAgent; step: StepAnswer }> {
    const [code = ''] = await recoveryCodesOf(service, person);
    const { agent, step } = await halfway(service, person);
    const page = await otherFactor(agent, step);
    const shown = await agent.submit(page, { code, replace_authenticator: 'yes' });
    assert.equal(shown.page, 'enrol');
    return { agent, step: shown };
  }

  test('ends the replacement of an authenticator that is under way, and says so', async () => {
    const person = await service.addPerson();
    const { agent, step } = await replacing(person);
    await endSessions(person);
    const before = await factorsOf(person);
    const answer = await agent.submit(step, { code: codeForPicture(service, step) });
    assert.deepEqual([answer.status, answer.page], [400, 'error']);
    assert.equal((await agent.look(`/interaction/${step.action.split('/')[2] ?? ''}`)).page, 'password');
    assert.deepEqual(await factorsOf(person), before);
    assert.deepEqual(await issuedTo(service, person), nothing);
  });

  test('a half-way sign-in that says nothing of what it proved leads nowhere', async () => {
    const person = await service.addPerson();
    const { agent, step } = await replacing(person);
    const { records } = service.composed.services;
    const uid = step.action.split('/')[2] ?? '';
    const { securityStamp: _, ...rest } = JSON.parse((await records.read('pending-sign-in', uid)) ?? '{}') as {
      readonly securityStamp: string;
    };
    await records.put('pending-sign-in', uid, JSON.stringify(rest), 600);
    const before = await factorsOf(person);
    assert.equal((await agent.submit(step, { code: codeForPicture(service, step) })).page, 'error');
    assert.deepEqual(await factorsOf(person), before);
    assert.deepEqual(await issuedTo(service, person), nothing);
  });

  test('a recovery code of a sign-in that has ended, or ends at that moment, is not used up', async () => {
    const person = await service.addPerson();
    const [first = '', second = ''] = await recoveryCodesOf(service, person);
    const remaining = async () => (await service.composed.services.status(person.id)).recoveryCodesRemaining;
    const over = await halfway(service, person);
    const there = await otherFactor(over.agent, over.step);
    await endSessions(person);
    assert.equal((await over.agent.submit(there, { code: first })).page, 'error');
    assert.equal(await remaining(), 10);
    const { agent, step } = await halfway(service, person);
    const page = await otherFactor(agent, step);
    const end = `update users set security_stamp = gen_random_uuid() where id = '${person.id}'`;
    await beside(end, async (commit) => {
      const answer = agent.submit(page, { code: second });
      await until('the code waits', waiting('transactionid'));
      await commit();
      assert.equal((await answer).page, 'error');
    });
    assert.equal(await remaining(), 10);
  });

  test('no act of the account page outlives the session in which it was begun', async () => {
    const { setPassword, enrolment, changeSecondFactor, inTransaction } = service.composed.services;
    const person = await service.addPerson();
    await newBrowserOf(service).signIn(person);
    const [session] = await inTransaction(({ sessions }) => sessions.list(person.id));
    const sessionUid = session?.uid ?? '';
    const base = { userId: person.id, provenBy: { sessionUid }, keepSession: sessionUid, context: testContext };
    const change = { secondFactorProven: true, type: 'password.changed', names: [] } as const;
    const password = 'an entirely different passphrase';
    const { id, secret } = await enrolment.start({ ...base, boundTo: sessionUid, accountName: 'Ada', label: 'Tablet' });
    const code = codeForPicture(service, { enrolment: { secret } } as StepAnswer);
    const [factor = ''] = await factorsOf(person);
    const before = await recoveryCodesOf(service, person);
    await endSessions(person);
    const acts = {
      'a new password': () => setPassword({ ...base, ...change, password }),
      'an authenticator': () => enrolment.confirm({ ...base, boundTo: sessionUid, id, code }),
      'recovery codes': () => changeSecondFactor.replaceRecoveryCodes(person.id, base.provenBy, testContext),
      'a removal': () => changeSecondFactor.remove(person.id, factor, true, testContext, base.provenBy),
    };
    for (const [name, act] of Object.entries(acts)) await assert.rejects(act(), { code: 'sign_in_gone' }, name);
    assert.deepEqual(await factorsOf(person), [factor]);
    await halfway(service, person);
    assert.equal((await service.composed.services.status(person.id)).recoveryCodesRemaining, before.length);
  });

  test('a reset stands though a change of the password was on its way', async () => {
    const person = await service.addPerson();
    const { setPassword, inTransaction } = service.composed.services;
    const set = setPassword({
      userId: person.id,
      provenBy: await provenNow(service, person),
      names: [],
      password: 'an entirely different passphrase',
      secondFactorProven: true,
      type: 'password.changed',
      context: testContext,
      prove: async () => {
        await reset(person);
      },
    });
    await assert.rejects(set, { code: 'sign_in_gone' });
    assert.equal((await inTransaction(({ users }) => users.find(person.id)))?.passwordHash, null);
  });

  test('what is written to the person by a version that knows of no stamp ends a finished sign-in too', async () => {
    const person = await service.addPerson();
    const { agent, step } = await halfway(service, person);
    const answer = await agent.post(step.action, { csrf: step.csrf, code: person.code() }, 'application/json');
    const { location } = (await answer.json()) as { location: string };
    await sql`update users set password_version = password_version + 1 where id = ${person.id}`.execute(db());
    assert.match((await agent.get(location)).headers.get('location') ?? '', /error=access_denied/);
    assert.deepEqual(await issuedTo(service, person), nothing);
  });

  describe('and what goes on', () => {
    test('the consent page of the session that is kept', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const consent = await agent.submit(step, { code: person.code() });
      assert.equal(consent.page, 'consent');
      const { inTransaction } = service.composed.services;
      const [own] = await inTransaction(({ sessions }) => sessions.list(person.id));
      await endSessions(person, own?.uid ?? '');
      assert.match((await agent.submit(consent, { decision: 'allow' })).location ?? '', /[?&]code=/);
    });

    test('but not the consent page of a session that is not', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const consent = await agent.submit(step, { code: person.code() });
      await endSessions(person);
      assert.doesNotMatch((await agent.submit(consent, { decision: 'allow' })).location ?? '', /[?&]code=/);
      assert.deepEqual(await issuedTo(service, person), nothing);
    });

    test('a sign-in that has to set a new password, in a browser that is signed in', async () => {
      const person = await service.addPerson();
      const agent = newBrowserOf(service);
      await agent.signIn(person);
      const { changePasswordAt } = service.composed.services.secondFactor.limits;
      await sql`
        insert into guards (user_id, total, told_at_units) values (${person.id}, ${changePasswordAt}, 100)
        on conflict (user_id) do update set total = excluded.total, told_at_units = excluded.told_at_units`.execute(
        db(),
      );
      const { step } = await halfway(service, person, { agent, parameters: { prompt: 'login' } });
      const change = await agent.submit(step, { code: person.code(1) });
      assert.equal(change.page, 'change-password');
      const next = await agent.submit(change, { new_password: `a brand new one ${person.id}` });
      assert.match(`${next.page} ${next.location ?? ''}`, /consent|[?&]code=/);
    });
  });

  describe('of everybody', () => {
    const endEverybodys = async (name: string) => {
      await registerAdminTool(service);
      return adminClient(service, await serviceToken(service, name)).DELETE('/sessions');
    };

    test('waits for a session that is being written', async () => {
      const person = await service.addPerson();
      await newBrowserOf(service).signIn(person);
      await beside(`update sessions set last_seen_at = now() where user_id = '${person.id}'`, async (commit) => {
        const ended = endEverybodys('waits-for-a-session');
        await until('it waits', waiting('transactionid'));
        await commit();
        assert.equal((await ended).response.status, 200);
      });
      assert.equal((await issuedTo(service, person)).sessions, 0);
    });

    test('ends what it can before it waits for a person whose row is in use', async () => {
      const [person, busy] = [await service.addPerson(), await service.addPerson()];
      await newBrowserOf(service).signIn(person);
      const stamp = await provenNow(service, busy);
      await beside(`update users set updated_at = now() where id = '${busy.id}'`, async (commit) => {
        const ended = endEverybodys('waits-for-a-person');
        await until('it waits', waiting('transactionid'));
        assert.equal((await issuedTo(service, person)).sessions, 0);
        await commit();
        assert.equal((await ended).response.status, 200);
      });
      assert.notDeepEqual(await provenNow(service, busy), stamp);
    });
  });

  describe('at the moment at which a device goes on', () => {
    const grantType = 'urn:ietf:params:oauth:grant-type:device_code';

    /** The session of the resume is held back until the end of all sessions waits behind it. */
    async function meetAtResume(person: TestPerson, end: () => Promise<unknown>) {
      const basic = `Basic ${Buffer.from([testClient.id, testClient.secret].map(encodeURIComponent).join(':')).toString('base64')}`;
      const started = await fetch(`${service.issuer}/device/auth`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: testClient.id, scope: 'openid' }),
        headers: { authorization: basic },
      });
      const device = (await started.json()) as { user_code: string; device_code: string };
      const agent = newBrowserOf(service);
      const opened = { xsrf: xsrfIn(await (await agent.get('/device')).text()), user_code: device.user_code };
      const xsrf = xsrfIn(await (await agent.post('/device', opened)).text()) || opened.xsrf;
      const asked = await agent.post('/device', { ...opened, xsrf, confirm: 'yes' });
      const first = await agent.follow(asked.headers.get('location') ?? '');
      const step = await agent.submitPassword(first, person);
      const answer = await agent.post(step.action, { csrf: step.csrf, code: person.code(1) }, 'application/json');
      const { location } = (await answer.json()) as { location: string };
      await sql
        .raw(
          `create function hold_session() returns trigger language plpgsql as $$
           begin perform pg_advisory_xact_lock_shared(4711); return new; end $$`,
        )
        .execute(db());
      await sql
        .raw(
          `create trigger hold_session before insert or update on sessions for each row
           when (new.user_id = '${person.id}' and new.ended_at is null) execute function hold_session()`,
        )
        .execute(db());
      try {
        await beside('select pg_advisory_xact_lock(4711)', async (commit) => {
          const resumed = agent.follow(location);
          await until('the session waits', waiting('advisory'));
          const ended = end();
          await until('the end waits', waiting('transactionid'));
          await commit();
          await ended;
          const next = await resumed;
          if (next.page === 'consent') await agent.submit(next, { decision: 'allow' });
        });
      } finally {
        await sql`drop trigger hold_session on sessions`.execute(db());
        await sql`drop function hold_session`.execute(db());
      }
      return token(service.issuer, { grant_type: grantType, device_code: device.device_code });
    }

    test('neither a session nor a token is left', async () => {
      const person = await service.addPerson();
      const tokens = await meetAtResume(person, () => endSessions(person));
      assert.ok(tokens.error);
      assert.deepEqual(await issuedTo(service, person), nothing);
    });

    test('nor one that works where the person had allowed it before', async () => {
      const person = await service.addPerson();
      await newBrowserOf(service).signIn(person);
      const { inTransaction } = service.composed.services;
      const tokens = await meetAtResume(person, () =>
        inTransaction(({ sessions }) => sessions.endAll(person.id, 'account')),
      );
      const authorization = `Bearer ${tokens.access_token}`;
      const me = await fetch(`${service.issuer}/me`, { headers: { authorization } });
      assert.equal(me.status, 401, 'what the device may have got is dead');
      assert.equal((await issuedTo(service, person)).sessions, 0);
    });
  });
});
