import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { settingsTable, type SettingDefinition } from '../src/config/settings-table.ts';

const chart = 'helm/twofold';
/** What the chart itself sets from values of its own; a second place for them would be a trap. */
const setByTheChart = new Set([
  'NODE_ENV',
  'PORT',
  'ISSUER',
  'TRUSTED_PROXIES',
  'TWOFOLD_METRICS_PORT',
  'TWOFOLD_HOST',
]);

/** The schema of the chart's values: their shape from values.yaml, and below `settings` every setting of the table. */
export function generatedFiles(): Record<string, string> {
  const values = parse(readFileSync(join(import.meta.dirname, '..', chart, 'values.yaml'), 'utf8')) as object;
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the Twofold chart',
    $comment: 'Made from values.yaml and src/config/settings-table.ts by `npm run generate`; change it there.',
    ...shapeOf(values, ''),
  };
  return { [`${chart}/values.schema.json`]: `${JSON.stringify(schema, null, 2)}\n` };
}

function shapeOf(value: unknown, path: string): object {
  if (path === '.settings') return settings();
  if (path === '.issuer') return { type: 'string', pattern: '^https://[^/?#]+(/[^?#]*[^/?#])?$' };
  if (path === '.image.digest') return { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' };
  if (Array.isArray(value)) return { type: 'array' };
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    // An empty map in values.yaml is the operator's own: labels, annotations, selectors.
    if (entries.length === 0 || path === '.resources') return { type: 'object' };
    const properties = Object.fromEntries(entries.map(([key, inner]) => [key, shapeOf(inner, `${path}.${key}`)]));
    return { type: 'object', additionalProperties: false, properties };
  }
  if (typeof value === 'number') return { type: 'integer', minimum: 0 };
  return { type: typeof value };
}

function settings(): object {
  const open = Object.values<SettingDefinition>(settingsTable).filter(
    ({ name, secret }) => secret !== true && !setByTheChart.has(name),
  );
  const properties = Object.fromEntries(
    open.map(({ name, schema, sentence }) => {
      const { enum: choices } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
      const shape = choices === undefined ? { type: ['string', 'number', 'boolean'] } : { enum: withNative(choices) };
      return [name, { description: sentence, ...shape }];
    }),
  );
  return { type: 'object', additionalProperties: false, properties };
}

/** YAML turns an unquoted true into a boolean; both spellings are meant. */
function withNative(choices: readonly unknown[]): unknown[] {
  return choices.flatMap((choice) =>
    choice === 'true' ? ['true', true] : choice === 'false' ? ['false', false] : choice,
  );
}
