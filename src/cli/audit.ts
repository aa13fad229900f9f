import type { Command as Program } from 'commander';
import { exportAudit, showAuditEvent } from '../audit/export.ts';
import type { AuditFilter } from '../audit/audit-log.ts';
import type { ChainHead } from '../audit/seal-store.ts';
import { createVerifyAudit } from '../audit/verify.ts';
import { auditEventTypes, type AuditEventType } from '../domain/audit-event.ts';
import { Fault, InvalidInput } from '../errors.ts';
import type { Services } from '../compose/services.ts';
import { PostgresChainReader } from '../storage/postgres/audit-chain.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandOptions, Run } from './command.ts';

const { actor, context } = commandLine;

const auditList: Command = async (services, options, io) => {
  const { auditReader, inTransaction } = services;
  const limit = Number(options['limit'] ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 200) {
    throw new InvalidInput('limit', '--limit is a whole number from 1 to 200');
  }
  const cursor = textOption(options, 'cursor');
  const page = await auditReader.list(await filterOf(services, options), {
    limit,
    cursor: cursor === '' ? undefined : cursor,
  });
  await inTransaction(({ audit }) =>
    audit.record({ type: 'operator.read', actor, target: '', result: 'success', reason: 'audit', context }),
  );
  for (const item of page.items) {
    const event = showAuditEvent(item);
    const what = [event.result === 'failure' ? 'failure' : '', event.reason ?? ''].filter(Boolean).join(' ');
    print(io, options, event, [
      `${event.at}  ${event.type.padEnd(26)} ${event.actor} → ${event.target} ${what}`.trimEnd(),
    ]);
  }
  if (page.nextCursor !== null) io.progress(`more: --cursor ${page.nextCursor}`);
};

const auditExport: Command = async (services, options, io) => {
  const { auditReader, inTransaction } = services;
  let count = 0;
  for await (const line of exportAudit(auditReader, await filterOf(services, options))) {
    await io.out(line.trimEnd());
    count += 1;
    if (count % 10_000 === 0) io.progress(`${count} events`);
  }
  await inTransaction(({ audit }) =>
    audit.record({ type: 'audit.exported', actor, target: '', result: 'success', details: { count }, context }),
  );
};

const auditVerify: Command = async ({ database, secretBox }, options, io) => {
  const verify = createVerifyAudit({ reader: new PostgresChainReader(database.kysely), secretBox });
  const head = textOption(options, 'head');
  const report = await verify({
    heads: head === '' ? [] : [readHead(head)],
    onProgress: (seals) => (seals > 0 && seals % 1000 === 0 ? io.progress(`${seals} seals`) : undefined),
  });
  print(io, options, report, [
    `${report.kind}: ${report.events} events under ${report.seals} seals, ${report.dropped} dropped after their time`,
    ...report.breaks.map(({ kind, ...where }) => `  ${kind} ${JSON.stringify(where)}`),
    ...(report.head === null ? [] : [`head ${report.head.number}:${report.head.hash} (write it down elsewhere)`]),
  ]);
  if (report.kind === 'broken') throw new Fault('audit_broken', 500, 'the record is not what it was; see above');
};

function readHead(text: string): ChainHead {
  const [, number, hash] = /^(\d+):([\w-]{43})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined)
    throw new InvalidInput('head', '--head is NUMBER:HASH as verify prints');
  return { number: Number(number), hash };
}

async function filterOf({ manageUsers }: Services, options: CommandOptions): Promise<AuditFilter> {
  const types = textOption(options, 'type').split(',').filter(Boolean);
  const unknown = types.find((type) => !Object.hasOwn(auditEventTypes, type));
  if (unknown !== undefined) throw new InvalidInput('type', `there is no event '${unknown}'`);
  const text = (name: 'actor' | 'target') => {
    const value = textOption(options, name);
    return value === '' ? {} : { [name]: value };
  };
  const person = textOption(options, 'person');
  return {
    ...(types.length > 0 && { types: types as AuditEventType[] }),
    ...text('actor'),
    ...text('target'),
    ...(person !== '' && { person: isId(person) ? person : (await manageUsers.find(person)).id }),
    ...moment('from', options),
    ...moment('to', options),
  };
}

/** An id says whom it means by itself, also of an account that is gone; all else is a name. */
function isId(text: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) || text.startsWith('client:');
}

function moment(name: 'from' | 'to', options: CommandOptions): { readonly [Name in typeof name]?: Date } {
  const value = textOption(options, name);
  if (value === '') return {};
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) throw new InvalidInput(name, `--${name} is a date, as 2026-11-25T12:00:00Z`);
  return { [name]: at };
}

export const auditGroup: CommandGroup = {
  commands: { 'audit list': auditList, 'audit export': auditExport, 'audit verify': auditVerify },
  declare,
};

function declare(program: Program, run: Run): void {
  const audit = program.command('audit').description('the record of what happened');
  const list = withFilter(audit.command('list').description('events, newest first'));
  examples(list, 'audit list --type second-factor.reset,second-factor.reopened', 'audit list --person ana --json')
    .option('--limit <n>', 'how many', '50')
    .option('--cursor <cursor>', 'go on from here')
    .action((options: CommandOptions) => run('audit list', options));
  const everything = withFilter(audit.command('export').description('events as NDJSON, oldest first'));
  examples(everything, 'audit export --from 2026-11-01T00:00:00Z > november.ndjson').action((options: CommandOptions) =>
    run('audit export', options),
  );
  const verify = audit.command('verify').description('whether an event was edited, removed, inserted or moved');
  examples(verify, 'audit verify', 'audit verify --head 1042:5Yx… --json')
    .option('--head <number:hash>', 'an end of the chain that was written down earlier')
    .action((options: CommandOptions) => run('audit verify', options));
}

function withFilter(command: Program): Program {
  return command
    .option('--type <types>', 'these events alone, separated by commas')
    .option('--actor <who>', 'what somebody did: an id, client:ID, command-line, service')
    .option('--target <whom>', 'what concerns somebody')
    .option('--person <user>', 'either, of one person: a user name, an address or an id')
    .option('--from <time>', 'from this moment on')
    .option('--to <time>', 'before this moment');
}
