import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clientAssertionModules } from './fapi/client-assertion-modules.ts';
import { dpopNegativeModule } from './fapi/dpop-negative-module.ts';
import { flowModules } from './fapi/flow-modules.ts';
import { pushedRequestModules } from './fapi/pushed-request-modules.ts';
import { FapiWorld } from './fapi/world.ts';

// The variant private_key_jwt, dpop, openid_connect, plain_fapi. Of the plan's 62 modules five are for other ecosystems:
// ensure-server-handles-non-matching-intent-id and test-essential-acr-sca-claim (Open Banking's intents and its acr),
// brazil-ensure-bad-payment-signature-fails (payments), and australia-connectid-ensure-invalid-purpose-fails and
// australia-connectid-test-claims-parameter-idtoken-identity-claims (ConnectID's claims).
describe('fapi2-security-profile-final-test-plan', { concurrency: 6 }, () => {
  let world: FapiWorld;
  before(async () => {
    world = await FapiWorld.start();
  });
  after(() => world?.service.close());

  const modules = {
    ...flowModules,
    ...pushedRequestModules,
    ...clientAssertionModules,
    'dpop-negative-tests': dpopNegativeModule,
  };
  assert.equal(Object.keys(modules).length, 57);
  for (const [name, run] of Object.entries(modules)) {
    test(`fapi2-security-profile-final-${name}`, () => run(world));
  }
});
