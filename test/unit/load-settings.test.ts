import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/config/load-settings.ts';

const load = (environment: Record<string, string>) => loadSettings(environment, () => '');

test('an issuer that nobody set is on the port where the service listens', () => {
  const issuerOf = (environment: Record<string, string>): string | undefined => {
    const outcome = load(environment);
    return outcome.kind === 'loaded' ? outcome.settings.issuer : undefined;
  };
  assert.equal(issuerOf({}), 'http://localhost:3000');
  assert.equal(issuerOf({ PORT: '4000' }), 'http://localhost:4000');
  assert.equal(issuerOf({ PORT: '4000', ISSUER: 'https://id.example' }), 'https://id.example');
});

test('a wrong port is one fault, whatever hangs on it', () => {
  assert.deepEqual(load({ PORT: 'eighty' }), {
    kind: 'faulty',
    faults: ["PORT: must be a whole number, got 'eighty'"],
  });
});
