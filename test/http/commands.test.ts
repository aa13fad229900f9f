import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { adminRoutes } from '../../src/admin/api/route-table.ts';
import { createSealer } from '../../src/audit/sealer.ts';
import { PostgresSealStore } from '../../src/storage/postgres/audit-chain.ts';
import { createInTransaction } from '../../src/storage/postgres/database.ts';
import { runCommand, runJson } from '../support/run-command.ts';
import { runProgram } from '../support/run-program.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, codeOf, redeem, UserAgent } from '../support/user-agent.ts';

describe('the command line', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service.close());
  const services = () => service.composed.services;
  const line = (fields: Record<string, unknown>): string[] => [JSON.stringify(fields)];
  const wiki = { client_id: 'wiki', client_name: 'Wiki', redirect_uris: ['https://wiki.example/back'] };

  test('clients apply shows the difference first, makes it so once, and does nothing the second time', async () => {
    const secret = 'a secret that somebody made at random 1';
    const wanted = line({ ...wiki, client_secret: secret });
    const [planned] = await runJson(services(), 'clients apply', { dryRun: true }, wanted);
    assert.equal(planned?.['change'], 'created');
    const plan = await runCommand(services(), 'clients apply', { dryRun: true }, wanted);
    assert.ok(plan.includes('  client_secret: (none) → (new)'), plan.join('\n'));
    await assert.rejects(runCommand(services(), 'clients show', { client: 'wiki' }), { code: 'not_found' });
    assert.equal((await runJson(services(), 'clients apply', {}, wanted))[0]?.['change'], 'created');
    assert.equal((await runJson(services(), 'clients apply', {}, wanted))[0]?.['change'], 'unchanged');
    const renamed = line({ ...wiki, client_name: 'The wiki', client_secret: secret });
    const [shown] = await runJson(services(), 'clients apply', { dryRun: true }, renamed);
    assert.deepEqual(shown?.['differences'], [{ field: 'client_name', before: '"Wiki"', after: '"The wiki"' }]);
    assert.equal(JSON.stringify(shown).includes(secret), false);
    const [still] = await runJson(services(), 'clients show', { client: 'wiki' });
    assert.equal(still?.['client_name'], 'Wiki');
  });

  test('clients apply refuses what the engine would refuse when the relying party comes', async () => {
    const odd = line({ ...wiki, client_id: 'odd', id_token_signed_response_alg: 'HS256' });
    await assert.rejects(runCommand(services(), 'clients apply', { dryRun: true }, odd), { status: 400 });
    await assert.rejects(runCommand(services(), 'clients show', { client: 'odd' }), { code: 'not_found' });
  });

  test('every call of the admin API is done from the command line too, by the same rules and in the same record', async () => {
    const listed = await runJson<{ operation: string }>(services(), 'calls');
    const named = new Set(listed.map(({ operation }) => operation));
    for (const { operationId, streams } of adminRoutes) assert.equal(named.has(operationId), streams === undefined);
    const call = async <Body>(operation: string, values: readonly string[] = [], body?: object): Promise<Body> => {
      const bodyText = body === undefined ? '' : JSON.stringify(body);
      const [answer] = await runJson<Body & object>(services(), 'call', { operation, values, bodyText });
      return answer as Body;
    };
    const made = await call<{ id: string; activation_url: string }>('createUser', [], { username: 'called' });
    assert.match(made.activation_url, /\/set-up\//);
    await call('updateUser', [`id=${made.id}`], { email: 'called@example.com' });
    const shown = await call<{ email: string }>('getUser', [`id=${made.id}`]);
    assert.equal(shown.email, 'called@example.com');
    const secretsOf = async () => (await call<{ secrets: { id: string }[] }>('getClient', ['client_id=wiki'])).secrets;
    const [first] = await secretsOf();
    await call('addClientSecret', ['client_id=wiki'], {});
    await call('deleteClientSecret', ['client_id=wiki', `secretId=${first?.id}`]);
    assert.equal((await secretsOf()).length, 1);
    const recorded = await call<{ items: { type: string; actor: string }[] }>('listAuditEvents', [
      `target=${made.id}`,
      'type=user.changed',
    ]);
    assert.deepEqual(
      recorded.items.map(({ actor }) => actor),
      ['command-line'],
    );
    await call('deleteUser', [`id=${made.id}`]);
    await assert.rejects(runCommand(services(), 'call', { operation: 'getUser', values: [`id=${made.id}`] }), {
      code: 'not_found',
    });
    for (const [operation, values] of [
      ['none', []],
      ['getUser', ['nonsense=1']],
    ] as const) {
      await assert.rejects(runCommand(services(), 'call', { operation, values }), { code: 'invalid_input' });
    }
  });

  test('K14 a rotated secret lives beside the one before it, until a second rotation is refused', async () => {
    const [rotated] = await runJson(services(), 'clients rotate-secret', { client: 'wiki', overlapHours: '1' });
    const [shown] = await runJson<{ secrets: { expires_at: string | null }[] }>(services(), 'clients show', {
      client: 'wiki',
    });
    assert.equal(JSON.stringify(shown).includes(String(rotated?.['client_secret'])), false);
    assert.deepEqual(
      shown?.secrets.map(({ expires_at }) => expires_at !== null),
      [true, false],
    );
    await assert.rejects(runCommand(services(), 'clients rotate-secret', { client: 'wiki' }), {
      code: 'too_many_secrets',
    });
    await runCommand(services(), 'clients delete', { client: 'wiki' });
    await assert.rejects(runCommand(services(), 'clients show', { client: 'wiki' }), { code: 'not_found' });
  });

  for (const [field, request] of [
    ['redirect_uris', { redirect_uris: [] }],
    ['redirect_uris', { redirect_uris: ['http://wiki.example/back'] }],
    ['redirect_uris', { redirect_uris: ['https://*.wiki.example/back'] }],
    ['response_types', { response_types: ['id_token'] }],
    ['grant_types', { grant_types: ['implicit'] }],
    ['grant_types', { grant_types: ['client_credentials'], token_endpoint_auth_method: 'none' }],
    ['grant_types', { grant_types: ['refresh_token'] }],
    ['client_secret', { token_endpoint_auth_method: 'none', client_secret: 'x'.repeat(40) }],
    ['jwks', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['jwks', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', d: 'secret' }] } }],
    ['jwks_uri', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://wiki.example/jwks' }],
    ['id_token_signed_response_alg', { id_token_signed_response_alg: 'none' }],
    [
      'sector_identifier_uri',
      { subject_type: 'pairwise', redirect_uris: ['https://a.example/back', 'https://b.example/back'] },
    ],
  ] as const) {
    test(`K15 refuses ${JSON.stringify(request)} and names ${field}`, async () => {
      const bad = line({ ...wiki, client_id: 'bad', ...request });
      await assert.rejects(runCommand(services(), 'clients apply', {}, [...line(wiki), ...bad]), { field });
      // All are looked at before the first is written.
      await assert.rejects(runCommand(services(), 'clients show', { client: 'wiki' }), { code: 'not_found' });
    });
  }

  test('an act on many says first whom it would be, and a condition nobody knows does nothing', async () => {
    const made = await runJson(services(), 'users create', { username: '=left@old.example', email: 'one@old.example' });
    await runCommand(services(), 'users create', { username: 'stays', email: 'two@new.example' });
    const where = 'email_domain=old.example,second_factor=none';
    const planned = await runJson(services(), 'users disable', { where, dryRun: true });
    assert.deepEqual(
      planned.map(({ id }) => id),
      [made[0]?.['id']],
    );
    await assert.rejects(runCommand(services(), 'users disable', { where: 'email_doman=old.example' }), {
      field: 'where',
    });
    await assert.rejects(runCommand(services(), 'users disable', {}), { field: 'user' });
    await runCommand(services(), 'users disable', { where });
    const states = await runJson(services(), 'users list');
    assert.deepEqual(
      states.map(({ username, disabled }) => [username, disabled]),
      [
        ['=left@old.example', true],
        ['stays', false],
      ],
    );
    const reset = { where: 'username_prefix=stay', reason: 'everybody lost their phone' };
    const [answered] = await runJson(services(), 'second-factor reset', reset);
    assert.match(String(answered?.['recovery_url']), /\/set-up\//);
  });

  test('a person is shown as by the admin API, with its words for one who has set nothing up', async () => {
    const [listed] = await runJson(services(), 'users list', { after: 'sta' });
    assert.deepEqual([listed?.['username'], listed?.['status']], ['stays', 'pending']);
    const lines = await runCommand(services(), 'users list', { after: 'sta' });
    assert.match(lines[0] ?? '', /^stays +pending /);
    const waiting = { where: 'status=pending,username_prefix=sta', dryRun: true };
    assert.equal((await runCommand(services(), 'users disable', waiting)).length, 1);
    const exported = await runJson(services(), 'users export');
    assert.equal(exported.find(({ username }) => username === 'stays')?.['status'], 'pending');
    const [shown] = await runJson(services(), 'users show', { user: 'stays' });
    const values = [`id=${String(listed?.['id'])}`];
    const [answered] = await runJson(services(), 'call', { operation: 'getUser', values });
    assert.deepEqual(shown, answered);
    assert.doesNotMatch(JSON.stringify(shown), /[sS]tamp|version|"\w*[a-z][A-Z]\w*":/);
  });

  test('the program says which version it is', async () => {
    const { status, stdout } = await runProgram(['--version'], {});
    assert.equal(status, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('the record of one person is found by the user name, and nobody by a name that nobody has', async () => {
    const byName = await runJson(services(), 'audit list', { person: 'stays', type: 'user.created' });
    const [{ id } = {}] = await runJson(services(), 'users show', { user: 'stays' });
    assert.deepEqual(
      byName.map(({ target }) => target),
      [id],
    );
    assert.deepEqual(await runJson(services(), 'audit list', { person: String(id), type: 'user.created' }), byName);
    await assert.rejects(runCommand(services(), 'audit list', { person: 'nobody' }), { code: 'not_found' });
  });

  test('H23 a name that a spreadsheet would run is inert in the export', async () => {
    const [head, first] = await runCommand(services(), 'users export', { accessReview: true });
    assert.match(head ?? '', /^username,email,status,created_at,second_factor,.*role,since,granted_by$/);
    assert.match(first ?? '', /^'=left@old.example,/);
  });

  test('the access review says who holds a role, since when, and by whom', async () => {
    const [made] = await runJson(services(), 'users create', { username: 'root', operator: true });
    await services().manageUsers.update(
      String(made?.['id']),
      { roles: ['operator', 'auditor'] },
      'the-boss',
      testContext,
    );
    const people = await runJson<{ username: string; roles: { role: string; since: string; granted_by: string }[] }>(
      services(),
      'users export',
      { accessReview: true },
    );
    const roles = people.find(({ username }) => username === 'root')?.roles ?? [];
    assert.deepEqual(
      roles.map(({ role, granted_by }) => [role, granted_by]),
      [
        ['auditor', 'the-boss'],
        ['operator', 'command-line'],
      ],
    );
    assert.ok(roles.every(({ since }) => !Number.isNaN(Date.parse(since))));
  });

  test('K07 the record is listed, exported and verified, and a chain that was cut is found', async () => {
    const { database, secretBox } = services();
    const listed = await runJson(services(), 'audit list', { type: 'user.disabled' });
    assert.equal(listed.length, 1);
    await assert.rejects(runCommand(services(), 'audit list', { type: 'user.vanished' }), { field: 'type' });
    const exported = await runCommand(services(), 'audit export');
    assert.ok(exported.map((text) => (JSON.parse(text) as { type: string }).type).includes('user.created'));
    const inTransaction = createInTransaction(database.kysely, (db) => ({ seals: new PostgresSealStore(db) }));
    await createSealer({ inTransaction, secretBox, logger: services().logger }).sealNow();
    const [report] = await runJson<{ kind: string; head: { number: number; hash: string } }>(
      services(),
      'audit verify',
    );
    assert.equal(report?.kind, 'intact');
    const head = `${report.head.number}:${report.head.hash}`;
    await runCommand(services(), 'audit verify', { head });
    await assert.rejects(runCommand(services(), 'audit verify', { head: `${report.head.number}:${'A'.repeat(43)}` }), {
      code: 'audit_broken',
    });
  });

  test('after a restore no code of the past is accepted, and nobody is signed in', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const finished = await agent.signIn(person);
    claimsOf(await redeem(service.issuer, codeOf(finished), finished.verifier));
    // As if the backup had been made before that code was used.
    await services()
      .database.kysely.updateTable('authenticators')
      .set({ last_step: -1 })
      .where('user_id', '=', person.id)
      .execute();
    await runCommand(services(), 'after-restore');
    const silent = await agent.begin({ prompt: 'none' });
    assert.match(silent.location ?? '', /error=login_required/);
    const again = new UserAgent(service.issuer);
    const refused = await again.submit(await again.submitPassword(await again.begin(), person), {
      code: person.code(),
    });
    assert.equal(refused.error?.code, 'wrong-code');
    assert.equal((await runJson(services(), 'audit list', { type: 'backup.restored' })).length, 1);
  });
});
