import type { Actor } from '../admin/access.ts';
import { perform } from '../admin/api/perform.ts';
import { adminRoutes } from '../admin/api/route-table.ts';
import { createCommandAdmin } from '../compose/command-admin.ts';
import { InvalidInput } from '../errors.ts';
import { adminScopes } from '../provider/resource-servers.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup } from './command.ts';
import { textOf } from './input-lines.ts';

/** The command line as an actor of the admin API: it may do everything. */
export const commandActor: Actor = {
  id: commandLine.actor,
  user: null,
  clientId: commandLine.actor,
  scopes: new Set(adminScopes),
};

/** Calls that take a stream have a command of their own. */
const callable = adminRoutes.filter(({ streams }) => streams === undefined);

const list: Command = async (_services, options, io) => {
  for (const { operationId, summary, params, query, body } of callable) {
    const names = [...Object.keys(params?.shape ?? {}), ...Object.keys(query?.shape ?? {})];
    const shown = { operation: operationId, summary, parameters: names, body: body !== undefined };
    print(io, options, shown, [
      `${operationId.padEnd(24)} ${summary}`,
      `${' '.repeat(24)} ${[...names.map((name) => `${name}=…`), ...(body === undefined ? [] : ['--body FILE'])].join(' ')}`.trimEnd(),
    ]);
  }
};

/** Does a call of the admin API by its rules: the same checks, the same record; the actor is the command line. */
const call: Command = async (services, options, io) => {
  const operation = textOption(options, 'operation');
  const route = callable.find(({ operationId }) => operationId === operation);
  if (route === undefined) throw new InvalidInput('operation', `there is no call '${operation}'; see: twofold calls`);
  const params: Record<string, string> = {};
  const query: Record<string, string> = {};
  for (const given of (options['values'] as readonly string[] | undefined) ?? []) {
    const at = given.indexOf('=');
    const name = given.slice(0, Math.max(0, at));
    if (name !== '' && name in (route.params?.shape ?? {})) params[name] = given.slice(at + 1);
    else if (name !== '' && name in (route.query?.shape ?? {})) query[name] = given.slice(at + 1);
    else throw new InvalidInput('values', `${operation} takes no '${given}'; see: twofold calls`);
  }
  const text = textOption(options, 'bodyText');
  let body: Record<string, unknown> | undefined;
  try {
    body = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    throw new InvalidInput('body', 'the body is no JSON');
  }
  const { admin } = await createCommandAdmin(services);
  const given = { params, query, ...(body === undefined ? {} : { body }) };
  const answer = await perform(admin, commandActor, commandLine.context, operation, given);
  if (answer.lines !== undefined) for await (const line of answer.lines) await io.out(line.trimEnd());
  else if (answer.body !== undefined) {
    print(io, options, answer.body, JSON.stringify(answer.body, null, 2).split('\n'));
  }
};

export const callGroup: CommandGroup = {
  commands: { calls: list, call },
  declare(program, run) {
    const calls = program.command('calls').description('the calls of the admin API that `twofold call` does');
    examples(calls, 'calls', 'calls --json').action(() => run('calls', {}));
    const one = program
      .command('call <operation> [values...]')
      .description('do a call of the admin API by its name, with its parameters as name=value');
    examples(
      one,
      'call getUser id=5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f10',
      'call updateClient client_id=wiki --body change.json',
      'call listSessions id=5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f10 limit=10',
    )
      .option('--body <path>', 'a file with the JSON body, or - for standard input')
      .action(async (operation: string, values: readonly string[], { body }: { body?: string }) =>
        run('call', { operation, values, bodyText: body === undefined ? '' : await textOf(body) }),
      );
  },
};
