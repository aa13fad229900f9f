import { parse } from 'yaml';
import { partyBrandingOf } from './branding-section.ts';
import { policiesOf } from './policies-section.ts';
import { settingsTable, type SettingDefinition, type Settings } from './settings-table.ts';

export type LoadOutcome =
  | { readonly kind: 'loaded'; readonly settings: Settings }
  /** Each as `NAME: what is wrong, got '…'`. */
  | { readonly kind: 'faulty'; readonly faults: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings of an environment and, where TWOFOLD_CONFIG names one, a YAML file; the environment wins. A pure function
 * of its arguments: `readFile` is how a file's text is had, `isOpenToAll` whether everybody can read it, which a file with
 * a secret must not be. All faults are reported, and no secret is repeated in one.
 */
export function loadSettings(
  environment: Environment,
  readFile: (path: string) => string,
  isOpenToAll: (path: string) => boolean = () => false,
): LoadOutcome {
  const faults: string[] = [];
  const configPath = environment['TWOFOLD_CONFIG'];
  const file = readSettingsFile(configPath, readFile, faults);
  const secretPaths = Object.values<SettingDefinition>(settingsTable).flatMap(({ secret, path }) =>
    secret ? [path] : [],
  );
  if (configPath && secretPaths.some((path) => file.values.has(path)) && isOpenToAll(configPath)) {
    faults.push(`TWOFOLD_CONFIG: ${openToAll(configPath)}`);
  }
  const known = new Set(Object.values(settingsTable).flatMap(({ name }) => [name, `${name}_FILE`]));
  for (const name of Object.keys(environment)) {
    if (name.startsWith('TWOFOLD_') && !known.has(name) && !elsewhere.has(name)) {
      // What is mistyped may be a secret's name: the value is not repeated.
      faults.push(`${name}: there is no such setting, got a value that is not repeated`);
    }
  }
  const production = environment['NODE_ENV'] === 'production';
  const embeddedAllowed = environment['TWOFOLD_ALLOW_EMBEDDED'] === 'true';
  const values: Record<string, unknown> = { production, policies: file.policies, partyBranding: file.partyBranding };
  for (const [key, definition] of Object.entries<SettingDefinition>(settingsTable)) {
    const raw = rawValue(definition, environment, file.values, { readFile, isOpenToAll }, faults);
    if (raw === undefined) {
      if (production && definition.production && (!embeddedAllowed || definition.name === 'ISSUER')) {
        faults.push(`${definition.name}: must be set with NODE_ENV=production, got ''`);
        continue;
      }
      const fallback = definition.defaultOf?.(values) ?? definition.default;
      if (fallback !== undefined) values[key] = definition.schema.parse(fallback);
      continue;
    }
    const parsed = definition.schema.safeParse(raw);
    if (parsed.success) values[key] = parsed.data;
    else faults.push(faultOf(definition, parsed.error.issues[0]?.message ?? 'is wrong', raw));
  }
  faults.push(...crossChecks(values, production));
  return faults.length > 0 ? { kind: 'faulty', faults } : { kind: 'loaded', settings: values as unknown as Settings };
}

/** Read by the launchers and by tests, not by the service. */
const elsewhere = new Set(['TWOFOLD_CONFIG', 'TWOFOLD_IMPORT_FERNET_KEYS_FILE']);

function rawValue(
  definition: SettingDefinition,
  environment: Environment,
  file: ReadonlyMap<string, string>,
  { readFile, isOpenToAll }: Files,
  faults: string[],
): string | undefined {
  const direct = environment[definition.name];
  const path = definition.secret ? environment[`${definition.name}_FILE`] : undefined;
  if (path !== undefined && path !== '') {
    if (direct !== undefined && direct !== '') {
      faults.push(`${definition.name}: is given twice, here and by ${definition.name}_FILE, got '${shown(path)}'`);
    }
    try {
      const value = readFile(path).trim();
      if (isOpenToAll(path)) faults.push(`${definition.name}_FILE: ${openToAll(path)}`);
      return value;
    } catch {
      faults.push(`${definition.name}_FILE: this file cannot be read, got '${shown(path)}'`);
      return undefined;
    }
  }
  // An empty variable is how compose files and charts say "not set".
  return direct === undefined || direct === '' ? file.get(definition.path) : direct;
}

interface Files {
  readonly readFile: (path: string) => string;
  readonly isOpenToAll: (path: string) => boolean;
}

function openToAll(path: string): string {
  return `holds a secret and can be read by everybody: run chmod o-r, got '${shown(path)}'`;
}

/** What a settings file holds: settings by their path, and what does not fit in a variable. */
interface SettingsFile {
  readonly values: ReadonlyMap<string, string>;
  readonly policies: Settings['policies'];
  readonly partyBranding: Settings['partyBranding'];
}

function readSettingsFile(
  path: string | undefined,
  readFile: (path: string) => string,
  faults: string[],
): SettingsFile {
  const found = new Map<string, string>();
  const nothing = { values: found, policies: new Map(), partyBranding: new Map() };
  if (path === undefined || path === '') return nothing;
  let document: unknown;
  try {
    document = parse(readFile(path));
  } catch (error) {
    faults.push(`TWOFOLD_CONFIG: ${(error as Error).message.split('\n')[0]}, got '${shown(path)}'`);
    return nothing;
  }
  if (document !== null && document !== undefined && !isSection(document)) {
    faults.push(`TWOFOLD_CONFIG: the file must consist of sections with settings in them, got '${shown(path)}'`);
    return nothing;
  }
  const paths = new Map<string, string>(Object.values(settingsTable).map(({ path: at, name }) => [at, name]));
  const { policies, ...sections } = (document ?? {}) as Record<string, unknown>;
  for (const [section, keys] of Object.entries(sections)) {
    for (const [key, value] of Object.entries((keys ?? {}) as Record<string, unknown>)) {
      const at = `${section}.${key}`;
      if (at === 'branding.relying_parties') continue;
      if (!paths.has(at)) faults.push(`TWOFOLD_CONFIG: there is no setting ${at}, got a value that is not repeated`);
      else if (value !== null && value !== undefined) {
        found.set(at, textOf(value));
      }
    }
  }
  const read = policiesOf(policies);
  const brands = partyBrandingOf((sections['branding'] as Record<string, unknown> | undefined)?.['relying_parties']);
  for (const { at, message, got } of [...read.faults, ...brands.faults]) {
    faults.push(`TWOFOLD_CONFIG: ${at}: ${message}, got '${shown(got)}'`);
  }
  return { values: found, policies: read.policies, partyBranding: brands.parties };
}

function isSection(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function crossChecks(values: Record<string, unknown>, production: boolean): string[] {
  const faults: string[] = [];
  const issuer = values['issuer'];
  if (production && typeof issuer === 'string' && !issuer.startsWith('https:')) {
    faults.push(`ISSUER: must be https with NODE_ENV=production, got '${shown(issuer)}'`);
  }
  if (values['clientCertificateVerifiedHeader'] !== undefined && values['clientCertificateHeader'] === undefined) {
    faults.push(
      "TWOFOLD_CLIENT_CERTIFICATE_HEADER: must be set with TWOFOLD_CLIENT_CERTIFICATE_VERIFIED_HEADER, got ''",
    );
  }
  const proxies = values['trustedProxies'];
  if (values['clientCertificateHeader'] !== undefined && Array.isArray(proxies) && proxies.length === 0) {
    faults.push("TRUSTED_PROXIES: must be set with TWOFOLD_CLIENT_CERTIFICATE_HEADER: nobody else is believed, got ''");
  }
  if (values['redisUrl'] !== undefined && values['databaseUrl'] === undefined) {
    faults.push("DATABASE_URL: must be set with REDIS_URL: the embedded database serves one process only, got ''");
  }
  return faults;
}

function faultOf({ name, secret }: SettingDefinition, message: string, raw: string): string {
  return `${name}: ${message}, got '${secret ? '(a secret)' : shown(raw)}'`;
}

function shown(value: string): string {
  const line = value.replaceAll(/[\p{Cc}']/gu, ' ');
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
