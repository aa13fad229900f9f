import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createLogger } from '../../src/logger.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('a fault of ours within the engine', () => {
  let service: TestService;
  let logged = '';
  before(async () => {
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => {
      logged += chunk.toString('utf8');
    });
    service = await startService('embedded', { logger: createLogger('error', stream) });
  });
  after(() => service.close());

  const rename = (from: string, to: string) =>
    sql`alter table ${sql.table(from)} rename to ${sql.table(to)}`.execute(service.composed.services.database.kysely);
  const lines = () =>
    logged
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { requestId?: string; msg: string; err?: { message?: string } });

  for (const table of ['grants', 'tokens', 'used_once']) {
    test(`${table} gone: no code leaves, the page says nothing of it, the log says all under its reference`, async () => {
      const person = await service.addPerson();
      await new UserAgent(service.issuer).signIn(person);
      const agent = new UserAgent(service.issuer);
      const begun = await agent.begin();
      const password = await agent.submitPassword(begun, person);
      await rename(table, 'elsewhere');
      try {
        logged = '';
        const accepted = await agent.post(password.action, { csrf: password.csrf, code: person.code(1) });
        const answer = await agent.get(accepted.headers.get('location') ?? '');
        const page = await answer.text();
        assert.equal(answer.status, 500);
        assert.equal(answer.headers.get('location'), null);
        assert.doesNotMatch(page, /relation|elsewhere|not exist/);
        const faults = lines().filter(({ msg }) => msg === 'a request failed');
        assert.equal(faults.length, 1, logged);
        assert.match(faults[0]?.err?.message ?? '', new RegExp(`"${table}" does not exist`));
        assert.ok(page.includes(faults[0]?.requestId ?? 'none'), 'the reference of the page');
      } finally {
        await rename('elsewhere', table);
      }
      const again = new UserAgent(service.issuer);
      assert.ok((await again.redeem(await again.signIn(await service.addPerson()))).id_token);
    });
  }

  test('a code whose grant ended meanwhile: the relying party is told, and the person stays signed in', async () => {
    const { kysely } = service.composed.services.database;
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    await agent.signIn(person);
    const step = await agent.begin({ prompt: 'consent' });
    await sql`
      create function ended() returns trigger language plpgsql as
        'begin raise exception using errcode = ''23503'', message = ''as after a removal''; end'`.execute(kysely);
    await sql`create trigger ended before insert on tokens for each row execute function ended()`.execute(kysely);
    try {
      const answer = await agent.submit(step, { decision: 'allow' });
      assert.match(answer.location ?? '', /^https:\/\/rp\.example\/callback\?error=invalid_grant&.*state=the-state/);
      const silent = await agent.begin({ prompt: 'none' });
      assert.match(silent.location ?? '', /error=invalid_grant/, 'known, though no code can be stored');
    } finally {
      await sql`drop function ended cascade`.execute(kysely);
    }
    assert.match((await agent.begin({ prompt: 'none' })).location ?? '', /[?&]code=/);
    const { rows } = await sql<{ live: number }>`
      select count(*)::int as live from sessions where user_id = ${person.id} and ended_at is null`.execute(kysely);
    assert.deepEqual(rows, [{ live: 1 }]);
  });

  test('a right password is on record also where what comes after it fails', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const begun = await agent.begin();
    await rename('challenges', 'elsewhere');
    try {
      assert.equal((await agent.submitPassword(begun, person)).status, 500);
    } finally {
      await rename('elsewhere', 'challenges');
    }
    assert.deepEqual(
      (await service.auditOf(person)).map(({ type }) => type),
      ['password.accepted'],
    );
  });

  test('whoever resumes second is given no session in place of the one that the first was given', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    await agent.signIn(person);
    const step = await agent.begin({ prompt: 'consent' });
    const accepted = await agent.post(step.action, { csrf: step.csrf, decision: 'allow' });
    const path = new URL(accepted.headers.get('location') ?? '', service.issuer).pathname;
    const answers = await Promise.all([agent, agent.copy(), agent.copy()].map((one) => one.get(path)));
    const given = (answer: Response) =>
      answer.headers.getSetCookie().filter((line) => line.startsWith('twofold-session='));
    const [first] = answers.filter(({ status }) => status === 303);
    assert.ok(first);
    assert.equal(given(first).length, 1);
    for (const late of answers.filter((answer) => answer !== first)) {
      assert.equal(late.status, 400);
      assert.deepEqual(given(late), []);
    }
  });
});
