import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { addOperator } from '../support/admin-app.ts';
import { consolePage as page, csrfOf, signInToConsole } from '../support/console-browser.ts';
import { provenNow } from '../support/sign-in.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('the console', () => {
  let service: TestService;
  let operator: TestPerson;
  let agent: UserAgent;
  before(async () => {
    service = await startService('embedded');
    operator = await addOperator(service, 'operator');
    agent = await signedIn(operator);
  });
  after(() => service.close());

  const signedIn = (person: TestPerson) => signInToConsole(service, person);

  test('K01 opens to nobody without a session of two factors, nor to people without a role', async () => {
    const stranger = new UserAgent(service.issuer);
    for (const path of [
      '/admin',
      '/admin/users',
      '/admin/audit',
      '/admin/audit/export',
      `/admin/users/${operator.id}`,
    ]) {
      const answer = await stranger.get(path);
      assert.equal(answer.status, 303, path);
      assert.match(answer.headers.get('location') ?? '', /^\/auth\?client_id=twofold-console/);
    }
    const half = new UserAgent(service.issuer);
    await half.submitPassword(await half.begin(), await addOperator(service, 'operator'));
    assert.equal((await half.get('/admin/users')).status, 303);
    const plain = await signedIn(await service.addPerson());
    const refused = await plain.get('/admin/users');
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /href="\/account"[\s\S]*href="\/logout"/, 'there is a way on');
    assert.match(await page(plain, '/account'), /data-page="account"/);
    assert.match(await page(plain, '/logout'), /data-page="logout"/);
  });

  test('finds a person, and resets the second factor after a confirmation that names them', async () => {
    const person = await service.addPerson();
    const list = await page(agent, `/admin/users?query=${person.username}`);
    assert.ok(list.includes(`/admin/users/${person.id}"`));
    assert.match(await page(agent, `/admin/users/${person.id}`), /\/reset"/);
    const confirm = await page(agent, `/admin/users/${person.id}/reset`);
    assert.ok(confirm.includes(person.username));
    const csrf = csrfOf(confirm);
    const idle = await agent.post(`/admin/users/${person.id}/reset`, { csrf, reason: '' });
    assert.equal(idle.status, 422);
    const done = await agent.post(`/admin/users/${person.id}/reset`, { csrf, reason: 'Lost the phone' });
    assert.equal(done.status, 200);
    const link = /<code id="value"[^>]*>([^<]+)</.exec(await done.text())?.[1] ?? '';
    assert.match(link, /\/set-up\/[\w-]{40,}$/);
    assert.equal((await service.composed.services.status(person.id)).enabled, false);
  });

  test('keeps the reason of every act in the record', async () => {
    const person = await service.addPerson();
    assert.match(await page(agent, `/admin/users/${person.id}/reset`), /how you made sure that it is this person/);
    for (const [act, hint] of [
      ['password-reset', /how you made sure that it is this person/],
      ['end-sessions', />It stands in the record\.</],
    ] as const) {
      const asked = await page(agent, `/admin/users/${person.id}/${act}`);
      assert.match(asked, hint);
      const csrf = csrfOf(asked);
      const done = await agent.post(`/admin/users/${person.id}/${act}`, { csrf, reason: `why ${act}` });
      assert.ok(done.status === 200 || done.status === 303, act);
      assert.match(await page(agent, `/admin/audit?person=${person.id}`), new RegExp(`why ${act}`));
    }
  });

  test('K05 K21 the rules of the API hold here too, and say why', async () => {
    const own = await page(agent, `/admin/users/${operator.id}/reset`);
    const refused = await agent.post(`/admin/users/${operator.id}/reset`, { csrf: csrfOf(own), reason: 'for a test' });
    assert.equal(refused.status, 422);
    assert.match(await refused.text(), /Another operator has to do this for you/);
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    assert.equal((await desk.get('/admin/clients')).status, 403);
    assert.equal((await desk.get('/admin/audit')).status, 403);
    const forged = await agent.post(`/admin/users/${operator.id}/disable`, { csrf: 'x', reason: 'for a test' });
    assert.equal(forged.status, 403);
  });

  test('offers nothing that would be refused: on oneself, on the last operator, on who has a role', async () => {
    const offered = async (browser: UserAgent, { id }: TestPerson): Promise<string[]> =>
      [
        ...(await page(browser, `/admin/users/${id}`)).matchAll(new RegExp(`href="/admin/users/${id}/([\\w-]+)`, 'g')),
      ].map(([, act]) => act ?? '');
    const { kysely } = service.composed.services.database;
    await kysely.updateTable('users').set({ roles: [] }).where('id', '!=', operator.id).execute();
    assert.deepEqual(await offered(agent, operator), ['end-sessions', 'end-session', 'end-grant']);
    const other = await addOperator(service, 'operator');
    assert.deepEqual(await offered(agent, operator), ['end-sessions', 'disable', 'end-session', 'end-grant']);
    const all = ['reset', 'end-sessions', 'password-reset', 'disable', 'remove-authenticator'];
    assert.deepEqual(await offered(agent, other), all);
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    assert.deepEqual(await offered(desk, other), []);
  });

  test('ends one session, takes one access back and removes one authenticator, each after naming it', async () => {
    const person = await service.addPerson();
    const browsers = [new UserAgent(service.issuer), new UserAgent(service.issuer)];
    for (const [index, browser] of browsers.entries()) {
      const step = await browser.submitPassword(await browser.begin({ prompt: 'consent' }), person);
      const consent = await browser.submit(step, { code: person.code(index) });
      await browser.submit(consent, { decision: 'allow' });
    }
    const { enrolment, database } = service.composed.services;
    const shownOn = (): Promise<string> => page(agent, `/admin/users/${person.id}`);
    const links = async (act: string): Promise<string[]> =>
      [...(await shownOn()).matchAll(new RegExp(`href="(/admin/users/${person.id}/${act}/[^"]+)"`, 'g'))].map(
        ([, href]) => href ?? '',
      );
    const doIt = async (path: string): Promise<number> => {
      const csrf = csrfOf(await page(agent, path));
      assert.equal((await agent.post(path, { csrf, reason: '' })).status, 422, 'a reason is needed');
      return (await agent.post(path, { csrf, reason: 'asked for by phone' })).status;
    };
    const [first = ''] = await links('end-session');
    assert.equal(await doIt(first), 303);
    assert.equal((await links('end-session')).length, 1);
    assert.equal((await agent.get(first)).status, 404, 'it is gone');
    assert.match(await shownOn(), /<bdi title="rp">Test client<\/bdi>/);
    const grants = await links('end-grant');
    assert.equal(grants.length, 2);
    assert.equal(await doIt(grants[0] ?? ''), 303);
    assert.equal((await links('end-grant')).length, 1);

    const [only = ''] = await links('remove-authenticator');
    assert.equal(await doIt(only), 422);
    const added = { userId: person.id, boundTo: 'here', context: testContext };
    const provenBy = await provenNow(service, person);
    const pending = await enrolment.start({ ...added, accountName: 'x', label: 'Tablet' });
    const secret = secretFromBase32(pending.secret);
    assert.ok(secret);
    const code = oneTimeCode({ ...person.totp, secret }, timeStepAt(Math.floor(Date.now() / 1000), 30));
    assert.equal((await enrolment.confirm({ ...added, provenBy, id: pending.id, code })).kind, 'confirmed');
    assert.equal(await doIt(only), 303);
    assert.equal((await service.composed.services.status(person.id)).authenticators.length, 1);
    const reasons = await database.kysely
      .selectFrom('audit_events')
      .select('type')
      .where('target', '=', person.id)
      .where('reason', '=', 'asked for by phone')
      .orderBy('id')
      .execute();
    assert.deepEqual(
      reasons.map(({ type }) => type),
      ['session.ended', 'token-family.revoked', 'authenticator.removed'],
    );
    const foreign = only.replace(person.id, operator.id);
    assert.equal((await agent.get(foreign)).status, 404, 'nobody else has it');
  });

  test('says what guessing did, and finds events by who did them and when', async () => {
    const person = await service.addPerson();
    const guesser = new UserAgent(service.issuer);
    const step = await guesser.submitPassword(await guesser.begin(), person);
    for (const code of ['000000', '111111', '222222']) await guesser.submit(step, { code });
    assert.match(await page(agent, `/admin/users/${person.id}`), /3 of 150/);
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const found = async (query: string): Promise<number> =>
      [...(await page(agent, `/admin/audit?person=${person.id}&${query}`)).matchAll(/class="dot /g)].length;
    assert.ok((await found(`actor=anonymous&from=${today}&to=${tomorrow}`)) + (await found('')) > 0);
    assert.equal(await found(`actor=${operator.id}&type=operator.read`), await found('type=operator.read'));
    assert.equal(await found(`actor=client:rp`), 0);
    assert.equal(await found(`from=${tomorrow}`), 0);
    assert.ok((await found(`to=${tomorrow}`)) > 2);
    assert.match(await page(agent, `/admin/audit?from=${tomorrow}`), /Nothing was found/);
  });

  test('shows applications, makes a secret once, and leads from a reference to what happened', async () => {
    assert.match(await page(agent, '/admin/clients'), /Test client/);
    const client = await page(agent, '/admin/clients/rp');
    const madeSecret = await agent.post('/admin/clients/rp/secrets', { csrf: csrfOf(client) });
    assert.equal(madeSecret.status, 200);
    const trace = madeSecret.headers.get('x-request-id') ?? '';
    const secret = /<code id="value"[^>]*>([^<]+)</.exec(await madeSecret.text())?.[1] ?? '';
    assert.ok(secret.length > 40);
    const shown = await page(agent, '/admin/clients/rp');
    assert.doesNotMatch(shown, new RegExp(secret));
    const end = Date.parse(/ends <time datetime="([^"]+)"/.exec(shown)?.[1] ?? '');
    const made = Date.parse(madeSecret.headers.get('date') ?? '');
    assert.equal(Math.round((end - made) / 3_600_000), 24);
    assert.match(await page(agent, `/admin/audit?request_id=${trace}`), /relying-party\.secret-added/);
    const exported = await page(agent, `/admin/audit/export?request_id=${trace}`);
    assert.equal(exported.trim().split('\n').length, 1);
    const report = await page(agent, `/admin/report?user=${operator.username}&client_id=rp`);
    assert.match(report, /<dt>Second factor: On<\/dt>/);
    assert.match(report, /One-time code[\s\S]*Who has a second factor is always asked for it/);
  });

  test('names people in the record, and offers a trace of what a request did, of nothing else', async () => {
    const person = await service.addPerson();
    const { manageUsers } = service.composed.services;
    const context = { requestId: 'command-line', address: '', userAgent: '' };
    await manageUsers.setDisabled(person.id, true, 'command-line', context);
    await page(agent, `/admin/users/${person.id}`);
    const shown = await page(agent, `/admin/audit?person=${person.id}`);
    const rows = shown.split('<li>').filter((row) => row.includes('row-title'));
    const [byConsole = '', byCommand = ''] = ['operator.read', 'user.disabled'].map((type) =>
      rows.find((row) => row.includes(`>${type}<`)),
    );
    const named = ({ id, username }: TestPerson): string => `<bdi title="${id}">${username}</bdi>`;
    assert.ok(byConsole.includes(`${named(operator)} → ${named(person)}`), byConsole);
    assert.match(byConsole, /request_id=/);
    assert.ok(byCommand.includes(`<bdi title="command-line">command-line</bdi> → ${named(person)}`), byCommand);
    assert.doesNotMatch(byCommand, /request_id=/);
  });

  test('says at its field what is not there, keeps what was typed, and knows no page of what cannot be', async () => {
    const fields = {
      [`/admin/report?user=nobody&client_id=rp`]:
        /value="nobody"[^>]*aria-describedby="user-error" aria-invalid="true"/,
      [`/admin/report?user=${operator.username}&client_id=nope`]: /value="nope"[^>]*aria-invalid="true"/,
      '/admin/audit?person=nope': /value="nope"[^>]*aria-invalid="true"/,
    };
    for (const [path, field] of Object.entries(fields)) {
      const answer = await agent.get(path);
      assert.equal(answer.status, 422, path);
      const text = await answer.text();
      assert.match(text, field);
      assert.match(text, /<title>Error: [\s\S]*class="sections"/);
    }
    for (const client of ['twofold-account', 'https://app.example/client']) {
      const shown = await page(
        agent,
        `/admin/report?user=${operator.username}&client_id=${encodeURIComponent(client)}`,
      );
      assert.match(shown, /One-time code/, client);
    }
    for (const path of ['/admin/users/nope', '/admin/users/nope/reset', '/admin/clients/nope']) {
      assert.equal((await agent.get(path)).status, 404, path);
    }
  });

  /** The sentence at a field that was refused, with the field in focus and the error in the title. */
  async function errorAt(refused: Response, field: string): Promise<string> {
    assert.equal(refused.status, 422);
    const text = await refused.text();
    assert.match(text, /<title>Error: /);
    assert.match(text, new RegExp(`id="${field}"[^>]* aria-describedby="[^"]*${field}-error" aria-invalid="true"`));
    assert.match(text, new RegExp(`id="${field}"[^>]* autofocus`));
    return new RegExp(`id="${field}-error">[\\s\\S]*?</svg>([\\s\\S]*?)</p>`).exec(text)?.[1] ?? '';
  }

  test('an application that is not allowed any more keeps nobody from a person’s page', async () => {
    const person = await service.addPerson();
    const { kysely } = service.composed.services.database;
    const metadata = JSON.stringify({
      client_name: 'Odd',
      redirect_uris: ['https://odd.example/cb'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=x',
    });
    await sql`insert into relying_parties (client_id, metadata) values ('odd', ${metadata}::jsonb)`.execute(kysely);
    await sql`
      insert into grants (id, user_id, client_id, payload, expires_at)
      values ('g-odd', ${person.id}, 'odd', '{}', now() + interval '1 day')`.execute(kysely);
    assert.match(await page(agent, `/admin/users/${person.id}`), /\bodd\b/);
  });

  test('K05 whoever may not read the record hears that, whatever they ask of it', async () => {
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    for (const path of ['/admin/audit', '/admin/audit?person=x'])
      assert.equal((await desk.get(path)).status, 403, path);
  });

  test('adds an application with a secret shown once, and says at its field what is wrong', async () => {
    const csrf = csrfOf(await page(agent, '/admin/clients/new'));
    const form = { csrf, name: 'New one', kind: 'server', redirect_uris: 'http://new.example/callback' };
    const refused = await agent.post('/admin/clients', form);
    assert.match(
      await errorAt(refused, 'redirect_uris'),
      /has to begin with https:\/\/: http:\/\/new\.example\/callback/,
    );
    const noAddress = await agent.post('/admin/clients', { ...form, redirect_uris: 'not a url' });
    assert.match(await errorAt(noAddress, 'redirect_uris'), /no address: not a url\./);
    const made = await agent.post('/admin/clients', { ...form, redirect_uris: 'https://new.example/callback' });
    assert.equal(made.status, 200);
    const text = await made.text();
    const secret = /<code id="value"[^>]*>([^<]+)</.exec(text)?.[1] ?? '';
    assert.ok(secret.length > 40);
    const id = /<code id="client-id"[^>]*>([^<]+)</.exec(text)?.[1] ?? '';
    assert.match(text, /For <bdi>New one<\/bdi>/);
    assert.match(await page(agent, '/admin/clients'), new RegExp(`/${id}"><bdi>New one<`));
    assert.match(await page(agent, `/admin/clients/${id}`), /<h1>New one<\/h1>[\s\S]*Made <time/);
    assert.match(await page(agent, `/admin/clients/${id}/edit`), /<h1>Change New one<\/h1>/);
    assert.doesNotMatch(await page(agent, '/admin/users?query=nobody'), /class="rows"/);
  });

  const fieldsOf = (text: string): Record<string, string> => {
    const found: Record<string, string> = {};
    const read = (value: string): string =>
      value.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&');
    for (const [, name = '', value = ''] of text.matchAll(/<input[^>]* name="(\w+)"[^>]* value="([^"]*)"/g)) {
      if (name !== 'csrf' && name !== 'two_factors') found[name] = read(value);
    }
    for (const [, name = '', value = ''] of text.matchAll(/<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</g)) {
      found[name] = read(value);
    }
    return found;
  };

  test('changes an application, all of it, unless somebody else did meanwhile', async () => {
    const { manageRelyingParties } = service.composed.services;
    const party = { client_id: 'edited', client_secret: 'x'.repeat(40), redirect_uris: ['https://one.example/cb'] };
    await manageRelyingParties.apply(
      { ...party, client_name: 'One', contacts: ['a@one.example'] },
      'test',
      testContext,
    );
    const form = await page(agent, '/admin/clients/edited/edit');
    const csrf = csrfOf(form);
    const fields = fieldsOf(form);
    assert.equal(fields['name'], 'One');
    assert.match(fields['more'] ?? '', /"contacts"/);
    const more = JSON.parse(fields['more'] ?? '{}') as Record<string, unknown>;
    delete more['contacts'];
    const changed = {
      ...fields,
      csrf,
      name: 'Two',
      redirect_uris: 'https://one.example/cb\nhttps://two.example/cb',
      two_factors: 'yes',
      more: JSON.stringify({ ...more, tos_uri: 'https://one.example/terms' }),
    };
    assert.equal((await agent.post('/admin/clients/edited/edit', changed)).status, 303);
    const stored = await service.composed.services.inTransaction(({ relyingParties }) => relyingParties.find('edited'));
    assert.equal(stored?.metadata['client_name'], 'Two');
    assert.deepEqual(stored?.metadata['redirect_uris'], ['https://one.example/cb', 'https://two.example/cb']);
    assert.equal(stored?.metadata['tos_uri'], 'https://one.example/terms');
    assert.equal(stored?.metadata['contacts'], undefined);
    assert.deepEqual(stored?.acrValues, ['urn:twofold:acr:2fa']);
    const late = await agent.post('/admin/clients/edited/edit', { ...changed, name: 'Three' });
    assert.equal(late.status, 422);
    assert.match(await late.text(), /Somebody else changed this meanwhile/);
    const now = fieldsOf(await page(agent, '/admin/clients/edited/edit'));
    const wrong = { ...now, csrf, redirect_uris: 'https://one.example/cb#part' };
    const refused = await agent.post('/admin/clients/edited/edit', wrong);
    const words = await errorAt(refused, 'redirect_uris');
    assert.match(words, /<span lang="en" dir="ltr">a redirect address has no fragment<\/span>/);
    for (const text of ['{', '[]', 'null']) {
      const answer = await agent.post('/admin/clients/edited/edit', { ...now, csrf, more: text });
      assert.match(await errorAt(answer, 'more'), /not a JSON object/, text);
    }
    const unknown = await agent.post('/admin/clients/edited/edit', { ...now, csrf, more: '{"nonsense":1}' });
    assert.match(await errorAt(unknown, 'more'), /nonsense: there is no such field/);
  });

  test('makes a secret void, and deletes an application with its policy after its id was typed', async () => {
    const { manageRelyingParties, managePolicies, database } = service.composed.services;
    const party = { client_id: 'gone', client_secret: 'x'.repeat(40), redirect_uris: ['https://one.example/cb'] };
    await manageRelyingParties.apply(party, 'test', testContext);
    await managePolicies.put('client:gone', { second_factor: 'required' }, 'test', testContext);
    const shown = await page(agent, '/admin/clients/gone');
    const path = /action="(\/admin\/clients\/gone\/secrets\/[\w-]+\/remove)"/.exec(shown)?.[1] ?? '';
    const csrf = csrfOf(shown);
    assert.equal((await agent.post(path, { csrf })).status, 303);
    assert.doesNotMatch(await page(agent, '/admin/clients/gone'), /\/remove"/);
    assert.equal((await agent.post('/admin/clients/gone/delete', { csrf, client_id: 'other' })).status, 422);
    assert.equal((await agent.post('/admin/clients/gone/delete', { csrf, client_id: 'gone' })).status, 303);
    assert.equal((await agent.get('/admin/clients/gone')).status, 404);
    const recorded = await database.kysely
      .selectFrom('audit_events')
      .select('type')
      .where('target', '=', 'client:gone')
      .orderBy('id', 'desc')
      .limit(2)
      .execute();
    assert.deepEqual(
      recorded.map(({ type }) => type),
      ['relying-party.deleted', 'policy.changed'],
    );
  });
});
