import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { adminClient, serviceToken } from '../support/admin-app.ts';
import { runCommand, runJson } from '../support/run-command.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

describe('what operators write', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service?.close());
  const services = () => service.composed.services;
  const party = { redirect_uris: ['https://rp.example/back'] };
  const apply = (fields: object) => services().manageRelyingParties.apply({ ...party, ...fields }, 'test', testContext);

  for (const id of ['twofold-console', 'twofold-anything', 'Twofold-Account']) {
    test(`refuses the client_id ${id}: it would be taken for one of the service’s own surfaces`, async () => {
      await assert.rejects(async () => apply({ client_id: id }), { code: 'invalid_input', field: 'client_id' });
      const api = adminClient(service, await serviceToken(service, 'registrar', 'admin:clients'));
      const { error, response } = await api.POST('/clients', { body: { ...party, client_id: id } });
      assert.equal(response.status, 400);
      assert.equal(error?.field, 'client_id');
    });
  }

  test('refuses acr values that nobody could meet, and takes those that are known', async () => {
    for (const field of ['acr_values', 'default_acr_values']) {
      for (const values of [['urn:example:nothing'], 'mfa', [7]]) {
        await assert.rejects(async () => apply({ client_id: 'acr', [field]: values }), {
          code: 'invalid_input',
          field,
        });
      }
    }
    const [known = ''] = services().acrNames.supported;
    const api = adminClient(service, await serviceToken(service, 'acr-registrar', 'admin:clients'));
    const body = { ...party, client_id: 'acr', acr_values: [known] };
    assert.equal((await api.POST('/clients', { body })).response.status, 201);
    const change = { params: { path: { client_id: 'acr' } }, body: { acr_values: [known, 'mistyped'] } };
    const { error } = await api.PATCH('/clients/{client_id}', change);
    assert.equal(error?.field, 'acr_values');
  });

  test('a relying party that is deleted takes its policy with it, by the API and by the command line', async () => {
    const ways: Record<string, (id: string) => Promise<unknown>> = {
      api: async (id) => {
        const api = adminClient(service, await serviceToken(service, 'remover', 'admin:clients'));
        return api.DELETE('/clients/{client_id}', { params: { path: { client_id: id } } });
      },
      'command-line': (id) => runCommand(services(), 'clients delete', { client: id }),
    };
    for (const [name, remove] of Object.entries(ways)) {
      const id = `gone-by-${name}`;
      await apply({ client_id: id });
      await services().managePolicies.put(`client:${id}`, { second_factor: 'required' }, 'test', testContext);
      await remove(id);
      await assert.rejects(services().managePolicies.get(`client:${id}`), { code: 'not_found' });
      // Whoever takes the name later begins without the policy of somebody else.
      await apply({ client_id: id });
      await assert.rejects(services().managePolicies.get(`client:${id}`), { code: 'not_found' });
    }
  });

  const mailsTo = (userId: string) =>
    services()
      .database.kysely.selectFrom('outbox')
      .select('kind')
      .where('channel', '=', 'mail')
      .where('user_id', '=', userId)
      .execute();

  test('links that an operator makes go to the person, where there is an address', async () => {
    const [made] = await runJson(services(), 'users create', { username: 'ada', email: 'ada@example.com' });
    const [silent] = await runJson(services(), 'users create', { username: 'grace' });
    const kindsOf = async (id: unknown) => (await mailsTo(String(id))).map(({ kind }) => kind).sort();
    assert.deepEqual(await kindsOf(made?.['id']), ['activation-link']);
    assert.deepEqual(await kindsOf(silent?.['id']), []);
    const api = adminClient(service, await serviceToken(service, 'desk', 'admin:users admin:second-factor'));
    const params = { path: { id: String(made?.['id']) } };
    assert.equal((await api.POST('/users/{id}/activation-link', { params })).response.status, 201);
    assert.deepEqual(await kindsOf(made?.['id']), ['activation-link', 'activation-link']);
    const person = await service.addPerson();
    const act = { userId: person.id, actor: 'command-line', reason: 'lost phone', context: testContext };
    await services().resetSecondFactor.reset(act);
    assert.deepEqual(await kindsOf(person.id), ['recovery-link', 'second-factor-reset']);
  });

  test('whoever signs in by the password alone needs fifteen characters, whatever made it so', async () => {
    const alone = await service.addPerson({ withoutFactor: true });
    const both = await service.addPerson();
    const short = 'violet otter';
    const set = ({ id, username }: typeof alone, password: string) =>
      services().setPassword({
        userId: id,
        names: [username],
        password,
        secondFactorProven: false,
        provenBy: undefined,
        type: 'password.changed',
        context: testContext,
      });
    const put = (key: string, policy: object) => services().managePolicies.put(key, policy, 'test', testContext);
    assert.equal((await set(alone, short)).kind, 'set');
    await put('default', { second_factor: 'optional' });
    assert.deepEqual(await set(alone, short), { kind: 'too-short', least: 15 });
    assert.equal((await set(both, short)).kind, 'set');
    await put(`user:${alone.id}`, { second_factor: 'required' });
    assert.equal((await set(alone, short)).kind, 'set');
    await services().managePolicies.remove(`user:${alone.id}`, 'test', testContext);
    await put('default', { second_factor: 'required', grace_days: 7 });
    assert.deepEqual(await set(alone, short), { kind: 'too-short', least: 15 });
  });
});
