import { readFileSync } from 'node:fs';
import type { Command as Program } from 'commander';
import { parse } from 'yaml';
import { InvalidInput } from '../errors.ts';
import { createCommandAdmin } from '../compose/command-admin.ts';
import { createAdministerRelyingParties } from '../relying-parties/administer-relying-parties.ts';
import { readRelyingParty } from '../relying-parties/manage-relying-parties.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandOptions, Run } from './command.ts';
import { textOf } from './input-lines.ts';
import { environment } from './terminal.ts';
import type { Services } from '../compose/services.ts';

const { actor, context } = commandLine;

/** Acts that change no metadata: there is nothing for the engine to look at. */
const administer = ({ inTransaction, acrNames }: Services) =>
  createAdministerRelyingParties({ inTransaction, acrNames, checkMetadata: () => {} });

/** Applies relying parties, one a line of JSON, or says what would change; all are checked before the first is written. */
const clientsApply: Command = async (services, options, io) => {
  const { manageRelyingParties, acrNames } = services;
  const requests: Record<string, unknown>[] = [];
  for await (const line of io.lines) requests.push(JSON.parse(line) as Record<string, unknown>);
  const compared = [];
  const { checkMetadata } = await createCommandAdmin(services);
  for (const request of requests) {
    checkMetadata(readRelyingParty(request, acrNames).wanted);
    compared.push(await manageRelyingParties.compare(request));
  }
  const dryRun = options['dryRun'] === true;
  for (const [at, request] of requests.entries()) {
    const { differences = [], ...expected } = compared[at] ?? { clientId: '', change: 'unchanged' as const };
    const { clientId, change, clientSecret } = dryRun
      ? { ...expected, clientSecret: null }
      : await manageRelyingParties.apply(request, actor, context);
    const shown = { client_id: clientId, change, differences, ...(!dryRun && { client_secret: clientSecret }) };
    print(io, options, shown, [
      `${clientId}: ${dryRun ? `would be ${change}` : change}`,
      ...differences.map(({ field, before, after }) => `  ${field}: ${before} → ${after}`),
      ...(clientSecret === null ? [] : [`  secret, shown this once: ${clientSecret}`]),
    ]);
  }
};

const clientsList: Command = async ({ manageRelyingParties }, options, io) => {
  for (const { clientId, metadata, firstParty, requirePkce } of await manageRelyingParties.list()) {
    const name = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : '';
    const shown = { client_id: clientId, ...metadata, first_party: firstParty, require_pkce: requirePkce };
    print(io, options, shown, [`${clientId.padEnd(30)} ${name}`.trimEnd()]);
  }
};

const clientsShow: Command = async (services, options, io) => {
  const { relyingParty, secrets } = await administer(services).find(textOption(options, 'client'));
  const shown = {
    client_id: relyingParty.clientId,
    ...relyingParty.metadata,
    first_party: relyingParty.firstParty,
    require_pkce: relyingParty.requirePkce,
    acr_values: relyingParty.acrValues,
    created_at: relyingParty.createdAt,
    updated_at: relyingParty.updatedAt,
    secrets: secrets.map(({ id, createdAt, expiresAt }) => ({ id, created_at: createdAt, expires_at: expiresAt })),
  };
  print(io, options, shown, JSON.stringify(shown, null, 2).split('\n'));
};

const clientsRotateSecret: Command = async (services, options, io) => {
  const client = textOption(options, 'client');
  const hours = Number(options['overlapHours'] ?? 24);
  if (!Number.isInteger(hours) || hours < 0 || hours > 8760) {
    throw new InvalidInput('overlap-hours', '--overlap-hours is a whole number from 0 to 8760');
  }
  const { id, secret } = await administer(services).addSecret(client, hours * 3600, actor, context);
  print(io, options, { client_id: client, secret_id: id, client_secret: secret, previous_ends_in_hours: hours }, [
    `The new secret of ${client}, shown this once: ${secret}`,
    `The one before it is accepted for ${hours} hours more.`,
  ]);
};

const clientsDelete: Command = async (services, options, io) => {
  const client = textOption(options, 'client');
  await administer(services).remove(client, actor, context);
  print(io, options, { client_id: client, deleted: true }, [`${client} is deleted; its tokens ended.`]);
};

/** `clients:` (or a list, or one client) of a YAML or JSON file, a line of JSON each, secrets read from where they lie. */
export async function* requestsOf(path: string): AsyncGenerator<string, void, void> {
  let document: unknown;
  try {
    document = parse(await textOf(path));
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    throw new InvalidInput('', `this is neither YAML nor JSON: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  const listed = (document as { clients?: unknown } | null)?.clients ?? document;
  for (const request of Array.isArray(listed) ? (listed as unknown[]) : [listed]) {
    if (typeof request !== 'object' || request === null) throw new InvalidInput('', 'a client is a set of fields');
    yield JSON.stringify(withSecret(request as Record<string, unknown>));
  }
}

/** A file of relying parties lies in version control: a secret is named there, not written. */
function withSecret(request: Record<string, unknown>): Record<string, unknown> {
  const { client_secret_file: file, client_secret_env: variable, ...rest } = request;
  const given = [rest['client_secret'], file, variable].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new InvalidInput('client_secret', 'give one of client_secret, client_secret_file and client_secret_env');
  }
  if (typeof file === 'string') {
    try {
      return { ...rest, client_secret: readFileSync(file, 'utf8').trim() };
    } catch {
      throw new InvalidInput('client_secret_file', `${file} cannot be read`);
    }
  }
  if (typeof variable !== 'string') return rest;
  const secret = environment[variable];
  if (!secret) throw new InvalidInput('client_secret_env', `the variable ${variable} is not set`);
  return { ...rest, client_secret: secret };
}

export const clientsGroup: CommandGroup = {
  commands: {
    'clients apply': clientsApply,
    'clients list': clientsList,
    'clients show': clientsShow,
    'clients rotate-secret': clientsRotateSecret,
    'clients delete': clientsDelete,
  },
  declare,
};

function declare(program: Program, run: Run): void {
  const clients = program.command('clients').description('relying parties');
  const apply = clients.command('apply').description('make relying parties as a YAML or JSON file says');
  examples(apply, 'clients apply -f clients.yaml --dry-run', 'clients apply -f clients.yaml')
    .requiredOption('-f, --file <path>', 'the file, or - for standard input')
    .option('--dry-run', 'say what would change, and change nothing')
    .action(({ file, ...options }: CommandOptions & { file: string }) =>
      run('clients apply', options, { lines: requestsOf(file) }),
    );
  const list = clients.command('list').description('relying parties');
  examples(list, 'clients list', 'clients list --json').action(() => run('clients list', {}));
  const show = clients.command('show <client_id>').description('everything about one; its secrets by their ids alone');
  examples(show, 'clients show wiki').action((client: string) => run('clients show', { client }));
  const rotate = clients
    .command('rotate-secret <client_id>')
    .description('another secret; both are accepted for a while');
  examples(rotate, 'clients rotate-secret wiki', 'clients rotate-secret wiki --overlap-hours 0')
    .option('--overlap-hours <n>', 'how long the one before is still accepted', '24')
    .action((client: string, options: CommandOptions) => run('clients rotate-secret', { ...options, client }));
  const remove = clients.command('delete <client_id>').description('delete it and end all it was granted');
  examples(remove, 'clients delete wiki').action((client: string) => run('clients delete', { client }));
}
