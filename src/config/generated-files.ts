import { z } from 'zod';
import { partyBrandingExample, partyBrandingSchema } from './branding-section.ts';
import { policiesExample, policiesSchema } from './policies-section.ts';
import { settingsTable, type SettingDefinition } from './settings-table.ts';

const made = 'Made from src/config/settings-table.ts by `npm run generate`; change it there.';

/** The files under `config/` that say what settings there are, by their path in the project. */
export function generatedFiles(): Record<string, string> {
  const all = Object.values<SettingDefinition>(settingsTable);
  return {
    'config/settings.md': settingsReference(all),
    'config/settings.schema.json': `${JSON.stringify(jsonSchema(all), null, 2)}\n`,
    'config/example.env': exampleEnvironment(all),
    'config/example.yaml': exampleYaml(all),
  };
}

/** The reference page: every setting with its place, default and sentence. */
export function settingsReference(all: readonly SettingDefinition[] = Object.values(settingsTable)): string {
  const sections = Map.groupBy(all, ({ path }) => path.split('.')[0] ?? '');
  const lines = ['# Settings', '', made, ''];
  lines.push(
    'Each is given as an environment variable, or in the YAML file that `TWOFOLD_CONFIG` names; the environment wins.',
    'A secret may also be read from a file: append `_FILE` to its name. A file with a secret that everybody can read is',
    'refused, but under `/run/secrets/`. All faults are reported at once and end the process with status 78.',
    '',
  );
  for (const [section, definitions] of sections) {
    lines.push(`## ${section}`, '');
    for (const definition of definitions) lines.push(...entry(definition), '');
    if (section === 'branding')
      lines.push('In the file alone:', '', '```yaml', 'branding:', ...partyBrandingExample, '```', '');
  }
  lines.push('## policies', '', `${policiesSchema.description} In the file alone:`, '', '```yaml');
  lines.push(...policiesExample, '```');
  return `${lines.join('\n').trimEnd()}\n`;
}

function entry(definition: SettingDefinition): string[] {
  const { name, path, sentence, default: fallback, defaultWords, secret, production, schema } = definition;
  const standard = defaultWords ?? (fallback === undefined || fallback === '' ? 'none' : `\`${fallback}\``);
  const limits = describe(schema);
  return [
    `### \`${name}\``,
    '',
    sentence,
    '',
    `- In the file: \`${path}\``,
    `- Default: ${standard}`,
    ...(limits === '' ? [] : [`- One of: ${limits}`]),
    ...(secret ? [`- Secret; also \`${name}_FILE\``] : []),
    ...(production ? ['- Required with `NODE_ENV=production`'] : []),
  ];
}

function describe(schema: z.ZodType): string {
  const { enum: values } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Array.isArray(values) ? values.map((value) => `\`${String(value)}\``).join(', ') : '';
}

function jsonSchema(all: readonly SettingDefinition[]): object {
  const sections = Map.groupBy(all, ({ path }) => path.split('.')[0] ?? '');
  const properties: Record<string, { properties: Record<string, object> }> = Object.fromEntries(
    [...sections].map(([section, definitions]) => [
      section,
      {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          definitions.map(({ path, name, sentence, schema, default: fallback }) => {
            const { enum: values } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
            return [
              path.split('.')[1] ?? path,
              {
                description: `${sentence} (${name})`,
                ...(values === undefined ? { type: ['string', 'number', 'boolean', 'array'] } : { enum: values }),
                ...(fallback === undefined ? {} : { default: fallback }),
              },
            ];
          }),
        ),
      },
    ]),
  );
  if (properties['branding']) properties['branding'].properties['relying_parties'] = partyBrandingSchema;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Twofold settings',
    $comment: made,
    type: 'object',
    additionalProperties: false,
    properties: { ...properties, policies: policiesSchema },
  };
}

function exampleEnvironment(all: readonly SettingDefinition[]): string {
  const lines = all.flatMap(({ name, sentence, default: fallback }) => [
    `# ${sentence}`,
    `#${name}=${fallback ?? ''}`,
    '',
  ]);
  return `# ${made}\n\n${lines.join('\n').trimEnd()}\n`;
}

function exampleYaml(all: readonly SettingDefinition[]): string {
  const sections = Map.groupBy(all, ({ path }) => path.split('.')[0] ?? '');
  const lines = [`# ${made}`, ''];
  for (const [section, definitions] of sections) {
    lines.push(`${section}:`);
    for (const { path, sentence, default: fallback } of definitions) {
      const key = path.split('.')[1] ?? path;
      lines.push(
        `  # ${sentence}`,
        `  # ${key}:${fallback === undefined || fallback === '' ? '' : ` ${fallback.startsWith('#') ? `'${fallback}'` : fallback}`}`,
      );
    }
    if (section === 'branding') lines.push(...partyBrandingExample);
    lines.push('');
  }
  lines.push(...policiesExample);
  return `${lines.join('\n').trimEnd()}\n`;
}
