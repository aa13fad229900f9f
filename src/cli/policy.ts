import type { Command as Program } from 'commander';
import type { ShownPolicy } from '../policies/manage-policies.ts';
import type { SimulatedStep } from '../policies/simulate-policy.ts';
import { InvalidInput } from '../errors.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandOptions, Run } from './command.ts';

const { actor, context } = commandLine;

export const policyList: Command = async ({ managePolicies }, options, io) => {
  for (const policy of await managePolicies.list()) print(io, options, policy, [lineOf(policy)]);
};

export const policySet: Command = async ({ managePolicies }, options, io) => {
  const acrValues = textOption(options, 'acrValues');
  const document = {
    ...(options['secondFactor'] === undefined ? {} : { second_factor: options['secondFactor'] }),
    ...(options['graceDays'] === undefined ? {} : { grace_days: wholeOf('grace-days', options['graceDays']) }),
    ...(acrValues === '' ? {} : { acr_values: acrValues.split(/[\s,]+/) }),
    ...(options['trustedBrowserDays'] === undefined
      ? {}
      : { trusted_browser_days: wholeOf('trusted-browser-days', options['trustedBrowserDays']) }),
  };
  const stored = await managePolicies.put(textOption(options, 'key'), document, actor, context);
  print(io, options, stored, [lineOf(stored)]);
};

export const policyDelete: Command = async ({ managePolicies }, options, io) => {
  const key = textOption(options, 'key');
  await managePolicies.remove(key, actor, context);
  print(io, options, { key, deleted: true }, [`The policy ${key} is deleted.`]);
};

export const policySimulate: Command = async ({ simulatePolicy }, options, io) => {
  const simulation = await simulatePolicy({
    user: textOption(options, 'user'),
    client_id: textOption(options, 'client'),
    acr_values: textOption(options, 'acrValues'),
    browser_trusted: options['browserTrusted'] === true,
  });
  const { steps, error, acr, amr } = simulation;
  print(io, options, simulation, [
    ...steps.flatMap(linesOf),
    error === null ? `The ID token would say acr ${acr ?? ''} and amr ${amr.join(' ')}.` : `The answer is ${error}.`,
  ]);
};

function declare(program: Program, run: Run): void {
  const policy = program.command('policy').description('second-factor policies; the strictest that applies wins');
  examples(policy, 'policy set client:payroll --second-factor required', 'policy simulate ana --client payroll');
  policy
    .command('list')
    .description('policies that are in force')
    .action(() => run('policy list', {}));
  policy
    .command('set <key>')
    .description('write the policy default, client:ID, role:NAME or user:ID; what is left out has no say')
    .option('--second-factor <need>', 'required or optional; who has one is always asked')
    .option('--grace-days <n>', 'days from the first sign-in in which enrolment may wait')
    .option('--acr-values <names>', 'what every sign-in must reach, separated by commas')
    .option('--trusted-browser-days <n>', 'for a relying party: how long a browser may be trusted')
    .action((key: string, options: CommandOptions) => run('policy set', { ...options, key }));
  policy
    .command('delete <key>')
    .description('take a policy back')
    .action((key: string) => run('policy delete', { key }));
  policy
    .command('simulate <user>')
    .description('what a sign-in would be asked, and why; nothing is changed')
    .requiredOption('--client <client_id>', 'at which relying party')
    .option('--acr-values <names>', 'as the request would say it, separated by spaces')
    .option('--browser-trusted', 'as if the browser were trusted')
    .action((user: string, options: CommandOptions) => run('policy simulate', { ...options, user }));
}

export const policyGroup: CommandGroup = {
  commands: {
    'policy list': policyList,
    'policy set': policySet,
    'policy delete': policyDelete,
    'policy simulate': policySimulate,
  },
  declare,
};

function lineOf(policy: ShownPolicy): string {
  const days = policy.trusted_browser_days;
  const says = [
    ...(policy.grace_days > 0 ? [`grace ${policy.grace_days} days`] : []),
    ...(policy.acr_values.length > 0 ? [`acr ${policy.acr_values.join(' ')}`] : []),
    ...(days === null ? [] : [days === 0 ? 'no trusted browsers' : `trusted browsers ${days} days`]),
  ];
  // Beside the default an optional second factor has no say: it is told where the policy says nothing else.
  const silent = policy.second_factor === 'optional' && policy.key !== 'default' && says.length > 0;
  const parts = [...(silent ? [] : [policy.second_factor]), ...says, `(${policy.source})`];
  return `${policy.key.padEnd(30)} ${parts.join(', ')}`;
}

function linesOf(step: SimulatedStep): string[] {
  const further = [
    ...(step.may_wait_until === undefined ? [] : [`  may wait until ${step.may_wait_until}`]),
    ...(step.trust_offered_days === undefined
      ? []
      : [`  offers to trust the browser, ${step.trust_offered_days} days`]),
  ];
  const reasons = step.reasons.map(({ text, policy }) => `  ${text}${policy === undefined ? '' : ` (${policy})`}`);
  return [step.step, ...reasons, ...further];
}

function wholeOf(name: string, value: unknown): number {
  if (typeof value === 'string' && /^\d{1,6}$/.test(value)) return Number(value);
  throw new InvalidInput(name, `--${name} is a whole number`);
}
