import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsReference } from '../../src/config/generated-files.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { settingsTable, type SettingDefinition } from '../../src/config/settings-table.ts';

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

test('what production needs is told once each', () => {
  const outcome = load({ NODE_ENV: 'production' });
  assert.ok(outcome.kind === 'faulty');
  const names = outcome.faults.map((fault) => fault.split(':')[0] ?? '');
  assert.deepEqual(names.toSorted(), ['COOKIE_KEYS', 'DATABASE_URL', 'ENCRYPTION_KEYS', 'ISSUER', 'REDIS_URL']);
});

test('the reference does not call a default none where none is a value', () => {
  const [definition] = Object.values<SettingDefinition>(settingsTable).filter(
    ({ name }) => name === 'TWOFOLD_FIRST_ENROLMENT',
  );
  assert.ok(definition);
  assert.match(settingsReference([definition]), /^- Default: `mail` .*, else `none`$/m);
});
