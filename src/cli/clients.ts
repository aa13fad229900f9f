import { parse } from 'yaml';
import { InvalidInput } from '../errors.ts';
import { commandLine, print, type Command } from './command.ts';

/** Applies `clients:` (or a list, or one client) from the YAML or JSON on standard input. */
export const clientsApply: Command = async ({ manageRelyingParties }, options, io) => {
  const text: string[] = [];
  for await (const line of io.lines) text.push(line);
  let document: unknown;
  try {
    document = parse(text.join('\n'));
  } catch (error) {
    throw new InvalidInput('', `this is neither YAML nor JSON: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  const listed = (document as { clients?: unknown } | null)?.clients ?? document;
  const requests: unknown[] = Array.isArray(listed) ? listed : [listed];
  for (const request of requests) {
    if (typeof request !== 'object' || request === null) throw new InvalidInput('', 'a client is a set of fields');
    const { actor, context } = commandLine;
    const applied = await manageRelyingParties.apply(request as Record<string, unknown>, actor, context);
    const { clientId, change, clientSecret } = applied;
    print(io, options, { client_id: clientId, change, client_secret: clientSecret }, [
      `${clientId}: ${change}`,
      ...(clientSecret === null ? [] : [`  secret, shown this once: ${clientSecret}`]),
    ]);
  }
};

export const clientsList: Command = async ({ manageRelyingParties }, options, io) => {
  for (const { clientId, metadata, firstParty, requirePkce } of await manageRelyingParties.list()) {
    const name = typeof metadata['client_name'] === 'string' ? metadata['client_name'] : '';
    const shown = { client_id: clientId, ...metadata, first_party: firstParty, require_pkce: requirePkce };
    print(io, options, shown, [`${clientId.padEnd(30)} ${name}`.trimEnd()]);
  }
};
