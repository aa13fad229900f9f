import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/load-settings.ts';

const load = (yaml: string, environment: Record<string, string> = {}) =>
  loadSettings({ TWOFOLD_CONFIG: 'twofold.yaml', ...environment }, () => yaml);

test('a settings file holds policies by their key', () => {
  const outcome = load(`
policies:
  default: { second_factor: required, grace_days: 14 }
  "client:shop": { trusted_browser_days: 30 }
`);
  assert.ok(outcome.kind === 'loaded');
  const { policies } = outcome.settings;
  assert.deepEqual([...policies.keys()], ['default', 'client:shop']);
  assert.equal(policies.get('default')?.graceDays, 14);
  assert.equal(policies.get('client:shop')?.trustedBrowserDays, 30);
});

test('every fault of the policies is told at once, with its place', () => {
  const outcome = load(`
policies:
  default: { grace_days: 14 }
  everyone: { second_factor: required }
  "client:shop": { trusted_browser_days: 300 }
`);
  assert.ok(outcome.kind === 'faulty');
  assert.equal(outcome.faults.length, 3);
  assert.match(outcome.faults[0] ?? '', /^TWOFOLD_CONFIG: policies\.default: second_factor is/);
  assert.match(outcome.faults[1] ?? '', /policies\.everyone: .* got 'everyone'$/);
  assert.match(outcome.faults[2] ?? '', /policies\.client:shop: trusted_browser_days/);
  assert.equal(load('policies: 7').kind, 'faulty');
});

test('more names for acr are read, and none may take a built-in one', () => {
  const outcome = load('{}', { TWOFOLD_ACR_ALIASES: 'https://rp.example/a=b=2fa, silver=1fa' });
  assert.ok(outcome.kind === 'loaded');
  assert.deepEqual(outcome.settings.acrAliases, {
    'https://rp.example/a=b': 'urn:twofold:acr:2fa',
    silver: 'urn:twofold:acr:1fa',
  });
  for (const wrong of ['gold', 'gold=3fa', '=2fa', 'urn:twofold:acr:2fa=1fa', 'https://refeds.org/profile/mfa=1fa']) {
    assert.equal(load('{}', { TWOFOLD_ACR_ALIASES: wrong }).kind, 'faulty', wrong);
  }
});
