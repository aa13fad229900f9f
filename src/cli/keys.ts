import { signingAlgorithms } from '../domain/signing-key.ts';
import { InvalidInput } from '../errors.ts';
import type { ShownSigningKey } from '../provider/manage-signing-keys.ts';
import { commandLine, examples, print, textOption } from './command.ts';
import type { Command, CommandGroup, CommandIo, CommandOptions } from './command.ts';

const { actor, context } = commandLine;

const keysList: Command = async ({ manageSigningKeys }, options, io) =>
  show(await manageSigningKeys.list(), options, io);

const keysRotate: Command = async ({ manageSigningKeys }, options, io) => {
  const given = textOption(options, 'algorithm');
  const algorithm = signingAlgorithms.find((name) => name === given);
  if (given !== '' && algorithm === undefined) {
    throw new InvalidInput('algorithm', `--algorithm is one of ${signingAlgorithms.join(', ')}, got '${given}'`);
  }
  show(await manageSigningKeys.rotate(actor, context, algorithm), options, io);
};

const keysRevoke: Command = async ({ manageSigningKeys }, options, io) => {
  const reason = textOption(options, 'reason').trim();
  if (reason === '') throw new InvalidInput('reason', 'say why, with --reason');
  show([await manageSigningKeys.revoke(textOption(options, 'kid'), reason, actor, context)], options, io);
};

/** Public parts alone; the private ones never leave. */
function show(keys: readonly ShownSigningKey[], options: CommandOptions, io: CommandIo): void {
  for (const key of keys) {
    print(io, options, key, [`${key.kid}  ${key.algorithm.padEnd(6)} ${key.state}`]);
  }
}

export const keysGroup: CommandGroup = {
  commands: { 'keys list': keysList, 'keys rotate': keysRotate, 'keys revoke': keysRevoke },
  declare(program, run) {
    const keys = program.command('keys').description('keys that sign tokens');
    const list = keys.command('list').description('published, active, retired and revoked keys');
    examples(list, 'keys list').action(() => run('keys list', {}));
    const rotate = keys.command('rotate').description('publish successors now; they sign once caches can know them');
    examples(rotate, 'keys rotate', 'keys rotate --algorithm ES256')
      .option('--algorithm <name>', 'of this algorithm alone')
      .action((options: CommandOptions) => run('keys rotate', options));
    const revoke = keys.command('revoke <kid>').description('an emergency: it neither signs nor verifies any more');
    examples(revoke, 'keys revoke 3Jx… --reason "the backup was stolen"')
      .requiredOption('--reason <text>', 'why; it stands in the record')
      .action((kid: string, options: CommandOptions) => run('keys revoke', { ...options, kid }));
  },
};
