import { showMessage, showWebhook } from '../admin/api/webhook-routes.ts';
import { InvalidInput } from '../errors.ts';
import { previousSecretSeconds } from '../notifications/manage-webhooks.ts';
import type { Webhook } from '../notifications/webhook-store.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandIo, CommandOptions } from './command.ts';

const { actor, context } = commandLine;

const list: Command = async ({ manageWebhooks }, options, io) => {
  for (const webhook of await manageWebhooks.list()) show(webhook, undefined, options, io);
};

const add: Command = async ({ manageWebhooks }, options, io) => {
  const wanted = {
    url: textOption(options, 'url'),
    eventTypes: textOption(options, 'events')
      .split(/[\s,]+/)
      .filter(Boolean),
    description: textOption(options, 'description'),
  };
  const { webhook, secret } = await manageWebhooks.add(wanted, actor, context);
  show(webhook, secret, options, io);
};

const remove: Command = async ({ manageWebhooks }, options, io) => {
  const id = idOf(options);
  await manageWebhooks.remove(id, actor, context);
  print(io, options, { id, removed: true }, [`${id} is gone; what waited for it is not sent.`]);
};

const rotateSecret: Command = async ({ manageWebhooks }, options, io) => {
  const hours = textOption(options, 'overlapHours');
  if (hours !== '' && !/^\d{1,3}$/.test(hours)) {
    throw new InvalidInput('overlap-hours', '--overlap-hours is a whole number of hours, 999 at most');
  }
  const seconds = hours === '' ? previousSecretSeconds : Number(hours) * 3600;
  const { webhook, secret } = await manageWebhooks.rotateSecret(idOf(options), seconds, actor, context);
  show(webhook, secret, options, io);
};

const test: Command = async ({ manageWebhooks }, options, io) => {
  const id = await manageWebhooks.test(idOf(options));
  print(io, options, { id }, [`${id} will be sent; look with: twofold webhooks attempts ${idOf(options)}`]);
};

const attempts: Command = async ({ manageWebhooks }, options, io) => {
  for (const message of await manageWebhooks.listMessages(idOf(options), 100)) {
    const shown = showMessage(message);
    print(io, options, shown, [
      `${shown.created_at}  ${shown.state.padEnd(9)} ${shown.type}  ${shown.id}`,
      ...shown.attempts.map(
        ({ number, at, status, error }) => `  ${number}. ${at}  ${status ?? '-'}  ${error ?? 'taken'}`,
      ),
    ]);
  }
};

function idOf(options: CommandOptions): string {
  const id = textOption(options, 'webhook');
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw new InvalidInput('webhook', 'a webhook’s id is what `twofold webhooks list` prints first');
}

function show(webhook: Webhook, secret: string | undefined, options: CommandOptions, io: CommandIo): void {
  const shown = showWebhook(webhook);
  const state = shown.enabled ? '' : '  (off)';
  print(io, options, { ...shown, ...(secret !== undefined && { secret }) }, [
    `${shown.id}  ${shown.url}  ${shown.event_types.join(',')}${state}`,
    ...(secret === undefined ? [] : [`Secret, shown this once: ${secret}`]),
  ]);
}

export const webhooksGroup: CommandGroup = {
  commands: {
    'webhooks list': list,
    'webhooks add': add,
    'webhooks remove': remove,
    'webhooks rotate-secret': rotateSecret,
    'webhooks test': test,
    'webhooks attempts': attempts,
  },
  declare(program, run) {
    const webhooks = program.command('webhooks').description('addresses to which events are sent, signed');
    examples(webhooks.command('list').description('where to, and which'), 'webhooks list').action(() =>
      run('webhooks list', {}),
    );
    examples(
      webhooks.command('add <url>').description('send events to this address; prints the secret, once'),
      'webhooks add https://siem.example/hook --events "user.*,second-factor.*"',
      'webhooks add https://siem.example/all --events "*" --description "Everything"',
    )
      .requiredOption('--events <types>', 'types or families, separated by commas, or *')
      .option('--description <text>', 'what it is for')
      .action((url: string, options: CommandOptions) => run('webhooks add', { ...options, url }));
    const one = (name: string, sentence: string, ...lines: string[]) =>
      examples(webhooks.command(`${name} <webhook>`).description(sentence), ...lines).action(
        (webhook: string, options: CommandOptions) => run(`webhooks ${name}`, { ...options, webhook }),
      );
    one('remove', 'send it nothing more', 'webhooks remove 0b8c…');
    one('rotate-secret', 'replace the secret; both sign for a while', 'webhooks rotate-secret 0b8c…').option(
      '--overlap-hours <hours>',
      'how long the one before signs too (24)',
    );
    one('test', 'send a message that tells of no event', 'webhooks test 0b8c…');
    one('attempts', 'the last hundred messages, and what became of them', 'webhooks attempts 0b8c…');
  },
};
