import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { URI } from 'otpauth';
import pg from 'pg';
import { newId } from '../../src/crypto/random.ts';
import { adminClient, registerAdminTool, serviceToken } from '../support/admin-app.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, issuedTo, provenNow, setAnotherPassword } from '../support/sign-in.ts';
import { testContext } from '../support/stores.ts';
import { until } from '../support/until.ts';
import type { UserAgent } from '../support/user-agent.ts';

const typesOf = async (service: TestService, person: TestPerson): Promise<string[]> =>
  (await service.auditOf(person)).map(({ type }) => type);
const nothing = { sessions: 0, grants: 0 };

/** The code was right; where the sign-in goes on, which the browser has not asked for yet. */
async function finished(service: TestService, person: TestPerson) {
  const { agent, step } = await halfway(service, person);
  const answer = await agent.post(step.action, { csrf: step.csrf, code: person.code() }, 'application/json');
  const { location } = (await answer.json()) as { location: string };
  return { agent, location };
}

describe('what changes while a code is on its way', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers');
  });
  after(() => service.close());
  const db = () => service.composed.services.database.kysely;

  /** Holds the acceptance of a right code after its charge, does something, and answers the page that came. */
  async function meanwhile(person: TestPerson, work: (uid: string) => Promise<unknown>): Promise<string> {
    const { agent, step } = await halfway(service, person);
    const charged = async (): Promise<boolean> =>
      (await sql`select from challenges where user_id = ${person.id} and tries = 1`.execute(db())).rows.length === 1;
    const holder = new pg.Client({ connectionString: service.composed.services.settings.databaseUrl });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query('select from authenticators where user_id = $1 for update', [person.id]);
      const answer = agent.submit(step, { code: person.code() });
      await until('the code is charged', charged);
      await work(step.action.split('/')[2] ?? '');
      await holder.query('commit');
      return (await answer).page;
    } finally {
      await holder.end();
    }
  }

  test('whoever is disabled meanwhile completes nothing', async () => {
    const person = await service.addPerson();
    const page = await meanwhile(person, () =>
      sql`update users set disabled_at = now() where id = ${person.id}`.execute(db()),
    );
    assert.equal(page, 'error');
    assert.ok(!(await typesOf(service, person)).includes('sign-in.completed'));
    assert.deepEqual(await issuedTo(service, person), nothing);
  });

  test('where others guess so much meanwhile that a new password is due, it is asked for', async () => {
    const person = await service.addPerson();
    const page = await meanwhile(person, () =>
      sql`update guards set total = 150, told_at_units = 150 where user_id = ${person.id}`.execute(db()),
    );
    assert.equal(page, 'change-password');
    assert.deepEqual((await typesOf(service, person)).slice(-2), ['password.accepted', 'one-time-code.accepted']);
  });

  test('where the sign-in cannot be led on, that is on record behind its completion', async () => {
    const person = await service.addPerson();
    const page = await meanwhile(person, (uid) => service.composed.services.records.take('interaction', uid));
    assert.equal(page, 'error');
    const types = await typesOf(service, person);
    assert.deepEqual(types.slice(-2), ['browser.new', 'sign-in.refused']);
    assert.deepEqual(await issuedTo(service, person), nothing);
  });

  test('a challenge that others leave with wrong codes meanwhile is told of', async () => {
    const person = await service.addPerson();
    await sql`update users set email = ${`${person.id}@example.com`} where id = ${person.id}`.execute(db());
    const other = await halfway(service, person);
    const [row] = (await sql<{ id: string }>`select id from challenges where user_id = ${person.id}`.execute(db()))
      .rows;
    assert.ok(other && row);
    assert.equal(
      await meanwhile(person, () =>
        sql`update challenges set outcome = 'spent', closed_at = clock_timestamp(), tries = 5 where id = ${row.id}`.execute(
          db(),
        ),
      ),
      'consent',
    );
    const mails = await sql<{ kind: string }>`select kind from outbox where user_id = ${person.id}`.execute(db());
    assert.ok(mails.rows.some(({ kind }) => kind === 'sign-in-after-failures'));
    assert.equal((await typesOf(service, person)).filter((type) => type === 'sign-in.completed').length, 1);
  });
});

for (const shape of ['servers', 'embedded'] as Shape[]) {
  describe(`what changes before a finished sign-in goes on, on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape);
    });
    after(() => service.close());

    /** The relying party is told so, where it is still known that there is one; the browser gets nothing. */
    async function leadsNowhere(agent: UserAgent, location: string, person: TestPerson): Promise<void> {
      const answers = [await agent.get(location), await agent.get(location)];
      assert.match(answers[0]?.headers.get('location') ?? '', /^https:\/\/rp\.example\/callback\?error=access_denied&/);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [303, 400],
      );
      assert.deepEqual(
        answers.flatMap(({ headers }) => headers.getSetCookie()),
        [],
      );
      assert.deepEqual(await issuedTo(service, person), nothing);
    }

    test('after a new password it is over', async () => {
      const person = await service.addPerson();
      const { agent, location } = await finished(service, person);
      await setAnotherPassword(service, person);
      await leadsNowhere(agent, location, person);
    });

    test('whoever was disabled is nobody, and stays so when enabled again', async () => {
      const person = await service.addPerson();
      const { agent, location } = await finished(service, person);
      const { manageUsers } = service.composed.services;
      await manageUsers.setDisabled(person.id, true, 'test', testContext);
      await leadsNowhere(agent, location, person);
      await manageUsers.setDisabled(person.id, false, 'test', testContext);
      assert.equal((await agent.get(location)).status, 400);
      assert.equal((await agent.begin()).page, 'password');
    });

    test('whatever ends all sessions of a person ends a sign-in that is finished or half-way', async () => {
      const { manageUsers, resetSecondFactor, changeSecondFactor, status, inTransaction } = service.composed.services;
      await registerAdminTool(service);
      const api = adminClient(service, await serviceToken(service, `ends-everything-${shape}`));
      const acts: Record<string, (userId: string) => Promise<unknown>> = {
        'disabled and enabled again': async (userId) => {
          await manageUsers.setDisabled(userId, true, 'test', testContext);
          await manageUsers.setDisabled(userId, false, 'test', testContext);
        },
        'an operator ends their sessions': (userId) =>
          api.DELETE('/users/{id}/sessions', { params: { path: { id: userId } } }),
        'an operator ends everybody’s sessions': () => api.DELETE('/sessions'),
        'the person ends all others': (userId) =>
          inTransaction(({ sessions }) => sessions.endAll(userId, 'account', 'the one they do it in')),
        'the second factor is taken off': async (userId) => {
          const [factor] = (await status(userId)).authenticators;
          const provenBy = await provenNow(service, { id: userId });
          const removed = await changeSecondFactor.remove(userId, factor?.id ?? '', true, testContext, provenBy);
          assert.equal(removed.kind, 'removed');
        },
        'an operator resets the second factor': (userId) =>
          resetSecondFactor.reset({ userId, actor: 'test', reason: 'lost', context: testContext }),
      };
      for (const [name, act] of Object.entries(acts)) {
        const person = await service.addPerson();
        const { agent, location } = await finished(service, person);
        const other = await halfway(service, person);
        await act(person.id);
        await leadsNowhere(agent, location, person);
        const next = await other.agent.submit(other.step, { code: person.code(1) });
        assert.ok(['password', 'error'].includes(next.page), `${name}: ${next.page}`);
        assert.deepEqual(await issuedTo(service, person), nothing, name);
      }
    });

    test('a sign-in that was ended meanwhile turns on no authenticator and sets no password', async () => {
      const { enrolment, setPassword, status, inTransaction } = service.composed.services;
      const person = await service.addPerson({ withoutFactor: true });
      const hashOf = async () => (await inTransaction(({ users }) => users.find(person.id)))?.passwordHash;
      const before = await hashOf();
      const stale = { userId: person.id, provenBy: { securityStamp: newId() }, context: testContext };
      const place = { ...stale, boundTo: 'a sign-in' };
      const { id, otpauthUri } = await enrolment.start({ ...place, accountName: 'Ada', label: 'Phone' });
      const confirmed = enrolment.confirm({ ...place, id, code: URI.parse(otpauthUri).generate() });
      await assert.rejects(confirmed, { code: 'sign_in_gone' });
      assert.equal((await status(person.id)).enabled, false);
      const password = 'an entirely different passphrase';
      await assert.rejects(
        setPassword({ ...stale, names: [], password, secondFactorProven: true, type: 'password.changed' }),
        { code: 'sign_in_gone' },
      );
      assert.equal(await hashOf(), before);
    });

    test('of many who go on at once one does, and the others are told that it is over', async () => {
      const person = await service.addPerson();
      const { agent, location } = await finished(service, person);
      const answers = await Promise.all([1, 2, 3].map(() => agent.copy().get(location)));
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((one, other) => one - other),
        [303, 400, 400],
      );
      assert.equal((await agent.copy().get(location)).status, 400);
    });

    test('where it could not be stored it is there again, and goes on when asked once more', async () => {
      const person = await service.addPerson();
      const { agent, location } = await finished(service, person);
      const { kysely } = service.composed.services.database;
      await sql`alter table used_once rename to elsewhere`.execute(kysely);
      try {
        assert.equal((await agent.get(location)).status, 500);
      } finally {
        await sql`alter table elsewhere rename to used_once`.execute(kysely);
      }
      assert.equal((await agent.follow(location)).page, 'consent');
    });
  });
}
