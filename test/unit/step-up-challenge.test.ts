import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acrOneFactor, acrTwoFactors, satisfies } from '../../src/domain/authentication.ts';
import { provesEnough, stepUpChallenge } from '../../src/http/step-up-challenge.ts';

const demand = { acrValues: [acrTwoFactors], maxAgeSeconds: 300 };

test('E20 the challenge names the error, the values and the age in the words of RFC 9470', () => {
  assert.equal(
    stepUpChallenge(demand),
    'Bearer error="insufficient_user_authentication", acr_values="urn:twofold:acr:2fa", max_age=300',
  );
  assert.equal(
    stepUpChallenge({ acrValues: ['a', 'b'], scheme: 'DPoP' }),
    'DPoP error="insufficient_user_authentication", acr_values="a b"',
  );
  assert.throws(() => stepUpChallenge({ acrValues: ['a"b'] }), TypeError);
});

test('E20 a token proves enough only with a value that satisfies and a sign-in of that age', () => {
  const enough = (acr: string | undefined, authTime: number | undefined, asked = demand) =>
    provesEnough({ acr, authTime }, asked, satisfies, 1000);
  assert.equal(enough(acrTwoFactors, 700), true);
  assert.equal(enough(acrTwoFactors, 699), false);
  assert.equal(enough(acrTwoFactors, undefined), false);
  assert.equal(enough(acrOneFactor, 1000), false);
  assert.equal(enough(undefined, 1000), false);
  assert.equal(enough(acrTwoFactors, 1000, { ...demand, acrValues: [acrOneFactor] }), true);
});
