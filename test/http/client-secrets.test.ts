import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createAdministerRelyingParties } from '../../src/relying-parties/administer-relying-parties.ts';
import { countCalls } from '../support/count-calls.ts';
import { post } from '../support/protocol-client.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { until } from '../support/until.ts';

const api = 'https://orders.example/';

describe('secrets of clients on two replicas', () => {
  let service: TestService;
  let administer: ReturnType<typeof createAdministerRelyingParties>;
  let made = 0;
  before(async () => {
    service = await startService('servers', {
      replicas: 2,
      environment: { TWOFOLD_RESOURCE_SERVERS: `${api}=read` },
    });
    const { services } = service.composed;
    administer = createAdministerRelyingParties({
      inTransaction: services.inTransaction,
      checkMetadata: () => {},
      acrNames: services.acrNames,
    });
  });
  after(() => service.close());

  async function addClient(): Promise<{ id: string; secret: string }> {
    made += 1;
    const id = `machine-${made}`;
    const metadata = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'read' };
    const { clientSecret } = await service.composed.services.manageRelyingParties.apply(
      { client_id: id, ...metadata },
      'test',
      testContext,
    );
    return { id, secret: clientSecret ?? '' };
  }

  /** At the replica where nothing is changed, unless another is named. */
  async function ask(id: string, secret: string, at = service.addresses[1] ?? ''): Promise<number> {
    const authorization = `Basic ${btoa(`${id}:${secret}`)}`;
    const fields = { grant_type: 'client_credentials', resource: api, scope: 'read' };
    return (await post(`${at}/token`, fields, { authorization })).status;
  }

  test('a new secret works at once everywhere, and a replaced one ends everywhere within a second or two', async () => {
    const { id, secret } = await addClient();
    assert.equal(await ask(id, secret), 200);
    const another = await administer.addSecret(id, undefined, 'test', testContext);
    assert.equal(await ask(id, another.secret), 200);
    assert.equal(await ask(id, secret), 200, 'both are valid');
    await administer.removeSecret(id, another.id, 'test', testContext);
    assert.equal(await ask(id, another.secret, service.issuer), 401, 'where it was made void it is void at once');
    await until('the other replica knows', async () => (await ask(id, another.secret)) === 401, 2);
    assert.equal(await ask(id, secret), 200);
  });

  test('an end that was set beforehand is kept, whatever is remembered', async () => {
    const { id, secret } = await addClient();
    const next = await administer.addSecret(id, 2, 'test', testContext);
    assert.equal(await ask(id, secret), 200);
    await until('the old secret ended', async () => (await ask(id, secret)) === 401, 4);
    assert.equal(await ask(id, next.secret), 200);
    const { secret: last } = await administer.addSecret(id, 0, 'test', testContext);
    assert.equal(await ask(id, next.secret, service.issuer), 401);
    assert.equal(await ask(id, last), 200);
  });

  test('a wrong secret is refused by the database alone, each time; a right one is looked up once', async () => {
    const { id, secret } = await addClient();
    assert.equal(await ask(id, secret), 200);
    const lookUps = async (given: string): Promise<number> => {
      const { statements } = await countCalls(() => ask(id, given));
      return statements.filter((text) => text.includes('relying_party_secrets')).length;
    };
    for (const wrong of ['wrong', `${secret}x`, '']) {
      assert.notEqual(await ask(id, wrong), 200);
    }
    assert.equal(await lookUps(`${secret.slice(1)}x`), 1);
    assert.equal(await lookUps(secret), 0);
  });
});
