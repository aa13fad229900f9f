import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { acrNames, acrOneFactor, acrTwoFactors } from '../../src/domain/authentication.ts';
import { mayRefreshOneFactor, nextStep, type SignInFacts } from '../../src/domain/next-step.ts';
import { policyDocument, readPolicy } from '../../src/domain/policy-document.ts';
import { mergePolicies, policyKey, type NamedRule, type PolicyKey, type PolicyRule } from '../../src/domain/policy.ts';

const names = acrNames({ 'https://example.org/strong': acrTwoFactors });
const day = 86_400;

const rules = fc.record({
  secondFactor: fc.constantFrom('required' as const, 'optional' as const),
  graceDays: fc.integer({ min: 0, max: 90 }),
  acrValues: fc.subarray([acrOneFactor, acrTwoFactors, 'https://refeds.org/profile/mfa', 'urn:gone']),
  trustedBrowserDays: fc.option(fc.integer({ min: 0, max: 30 })),
});
const keys = fc.constantFrom<PolicyKey>('default', 'client:rp', 'role:operator', 'role:auditor', 'user:u');
const named: fc.Arbitrary<NamedRule> = fc.tuple(keys, rules);
const notOfClient = named.filter(([key]) => !key.startsWith('client:'));

const now = 1_800_000_000;
const facts = fc.record({
  now: fc.constant(now),
  passwordProven: fc.constant(true),
  proof: fc.constantFrom('otp' as const, 'recovery-code' as const, 'none' as const),
  hasFactor: fc.boolean(),
  isClosed: fc.boolean(),
  passwordMustChange: fc.boolean(),
  askedAcr: fc.constantFrom(undefined, acrOneFactor, acrTwoFactors),
  clientAcr: fc.constantFrom(undefined, acrOneFactor, acrTwoFactors),
  asksFreshly: fc.boolean(),
  browserTrustedAt: fc.option(
    fc.integer({ min: 0, max: 40 }).map((days) => now - days * day),
    { nil: undefined },
  ),
  graceStartedAt: fc.option(
    fc.integer({ min: 0, max: 100 }).map((days) => now - days * day),
    { nil: undefined },
  ),
  enrolmentDeferred: fc.boolean(),
});

/** How much a step asks: nothing, something that may wait, or a proof now. */
function strictness(given: Omit<SignInFacts, 'policy'>, list: readonly NamedRule[]): number {
  const step = nextStep({ ...given, policy: mergePolicies(list, names) });
  if (step.step === 'finish') return step.proof === 'otp' || step.proof === 'recovery-code' ? 3 : 0;
  if (step.step === 'enrol' && step.deferUntil !== undefined) return 1;
  return 2;
}

describe('the second-factor policy', () => {
  test('the strictest that applies wins, in whatever order they stand', () => {
    fc.assert(
      fc.property(fc.array(named, { minLength: 1, maxLength: 6 }), (list) => {
        const policy = mergePolicies(list, names);
        const required = list.filter(([, rule]) => rule.secondFactor === 'required');
        assert.equal(policy.secondFactor, required.length > 0 ? 'required' : 'optional');
        if (required.length > 0)
          assert.equal(policy.graceDays, Math.min(...required.map(([, { graceDays }]) => graceDays)));
        const { decidedBy: _a, ...forwards } = policy;
        const { decidedBy: _b, ...backwards } = mergePolicies(list.toReversed(), names);
        assert.deepEqual(backwards, forwards);
      }),
    );
  });

  test('another policy never weakens what a sign-in is asked', () => {
    fc.assert(
      fc.property(fc.array(named, { maxLength: 5 }), notOfClient, facts, (list, further, given) => {
        const [before, after] = [strictness(given, list), strictness(given, [...list, further])];
        assert.ok(after >= before || (before === 3 && after === 3), `${before} became ${after}`);
      }),
      { numRuns: 2000 },
    );
  });

  test("a relying party's policy weakens nothing but the trust in browsers that it allows", () => {
    fc.assert(
      fc.property(fc.array(named, { maxLength: 5 }), rules, facts, (list, rule, given) => {
        const further: NamedRule = ['client:rp', rule];
        const untrusted = { ...given, browserTrustedAt: undefined };
        assert.ok(strictness(untrusted, [...list, further]) >= strictness(untrusted, list));
      }),
      { numRuns: 2000 },
    );
  });

  test('C12 F15 a sign-in without a second proof never ends where two factors are asked', () => {
    fc.assert(
      fc.property(fc.array(named, { maxLength: 5 }), facts, (list, given) => {
        const policy = mergePolicies(list, names);
        const step = nextStep({ ...given, policy });
        if (step.step !== 'finish' || step.proof === 'otp' || step.proof === 'recovery-code') return;
        assert.equal(given.isClosed, false);
        assert.notEqual(given.askedAcr, acrTwoFactors);
        assert.notEqual(given.clientAcr, acrTwoFactors);
        assert.notEqual(policy.acr, acrTwoFactors);
        if (given.hasFactor) {
          assert.equal(step.proof, 'trusted-browser');
          assert.ok(policy.trustedBrowserDays > 0 && !given.asksFreshly);
        } else if (policy.secondFactor === 'required') {
          assert.ok(given.graceStartedAt !== undefined && now < given.graceStartedAt + policy.graceDays * day);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('a browser is trusted only where the relying party allows it, and the others can shorten that', () => {
    const trust = (key: PolicyKey, trustedBrowserDays: number): NamedRule => [key, { ...optional, trustedBrowserDays }];
    const days = (...list: NamedRule[]) => mergePolicies(list, names).trustedBrowserDays;
    assert.equal(days(trust('default', 30), trust('role:operator', 30)), 0);
    assert.equal(days(trust('client:rp', 30)), 30);
    assert.equal(days(trust('client:rp', 30), trust('default', 7)), 7);
    assert.equal(days(trust('client:rp', 30), trust('user:u', 0)), 0);
  });

  test('grace is counted from its first day and never begins again', () => {
    const policy = mergePolicies([['default', { ...optional, secondFactor: 'required', graceDays: 14 }]], names);
    const base = { ...plain, policy };
    const first = nextStep(base);
    assert.deepEqual([first.step, first.step === 'enrol' && first.deferUntil], ['enrol', now + 14 * day]);
    const later = { ...base, graceStartedAt: now - 13 * day };
    assert.equal(nextStep({ ...later, enrolmentDeferred: true }).step, 'finish');
    const over = nextStep({ ...base, graceStartedAt: now - 14 * day, enrolmentDeferred: true });
    assert.deepEqual([over.step, over.step === 'enrol' && over.deferUntil], ['enrol', undefined]);
    assert.ok(over.reasons.some(({ code }) => code === 'grace-over'));
  });

  test('C14 a refresh token of a password alone ends with the grace that allowed it', () => {
    const policy = mergePolicies([['default', { ...optional, secondFactor: 'required', graceDays: 14 }]], names);
    const may = (facts: Partial<SignInFacts>) => mayRefreshOneFactor({ ...plain, policy, ...facts });
    assert.equal(may({ graceStartedAt: now - 13 * day }), true);
    assert.equal(may({ graceStartedAt: now - 14 * day }), false);
    assert.equal(may({ hasFactor: true }), true, 'enrolled since: the token stays honest');
    assert.equal(may({ hasFactor: true, clientAcr: acrTwoFactors }), false);
    assert.equal(may({ hasFactor: true, isClosed: true }), false);
    assert.equal(mayRefreshOneFactor({ ...plain, policy: mergePolicies([['default', optional]], names) }), true);
  });

  test('a policy reads as it was written, and a wrong one is refused by its field', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const sound: PolicyRule = { ...rule, graceDays: rule.secondFactor === 'required' ? rule.graceDays : 0 };
        assert.deepEqual(readPolicy('client:rp', policyDocument(sound)), { kind: 'policy', rule: sound });
      }),
    );
    const wrong = (document: unknown, key: PolicyKey = 'client:rp') => {
      const read = readPolicy(key, document);
      return read.kind === 'faulty' ? read.field : 'accepted';
    };
    assert.equal(wrong({ second_factor: 'never' }), 'second_factor');
    assert.equal(wrong({}, 'default'), 'second_factor');
    assert.equal(wrong({ second_factor: 'required', grace_days: 91 }), 'grace_days');
    assert.equal(wrong({ grace_days: 3 }), 'grace_days');
    assert.equal(wrong({ trusted_browser_days: 31 }), 'trusted_browser_days');
    assert.equal(wrong({ acr_values: 'urn:x' }), 'acr_values');
    assert.equal(wrong({ skip: true }), 'skip');
    assert.equal(wrong([]), '');
  });

  test('a key names the default, a relying party, a role or a person, and nothing else', () => {
    for (const key of ['default', 'client:a b', 'client:', 'role:king', 'role:operator', 'user:1', 'group:x', '']) {
      const expected = key === 'default' || key === 'role:operator' ? key : undefined;
      assert.equal(policyKey(key), expected, key);
    }
    assert.equal(policyKey('client:https://rp.example/'), 'client:https://rp.example/');
  });
});

const optional: PolicyRule = { secondFactor: 'optional', graceDays: 0, acrValues: [], trustedBrowserDays: null };
const plain: Omit<SignInFacts, 'policy'> = {
  now,
  passwordProven: true,
  proof: 'none',
  hasFactor: false,
  isClosed: false,
  passwordMustChange: false,
  askedAcr: undefined,
  clientAcr: undefined,
  asksFreshly: false,
  browserTrustedAt: undefined,
  graceStartedAt: undefined,
  enrolmentDeferred: false,
};
