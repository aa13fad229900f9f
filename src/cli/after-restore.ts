import { createAfterRestore } from '../second-factor/after-restore.ts';
import { commandLine, examples, print, type Command, type CommandGroup, type CommandOptions } from './command.ts';

const afterRestore: Command = async ({ inTransaction }, options, io) => {
  const voidRecoveryCodes = options['voidRecoveryCodes'] === true;
  const report = await createAfterRestore(inTransaction)({ voidRecoveryCodes }, commandLine.actor, commandLine.context);
  const { authenticators, sessions, recoveryCodes } = report;
  print(io, options, { authenticators, sessions, recovery_codes: recoveryCodes }, [
    `No code of the past is accepted any more (${authenticators} authenticators); ${sessions} sessions ended.`,
    ...(voidRecoveryCodes
      ? [`${recoveryCodes} recovery codes are void.`]
      : ['Recovery codes used since the backup are unused again; --void-recovery-codes voids them all.']),
  ]);
};

/** To be run once after a database was restored, before people reach the service. */
export const afterRestoreGroup: CommandGroup = {
  commands: { 'after-restore': afterRestore },
  declare(program, run) {
    const command = program.command('after-restore');
    command.description('after the database was restored: refuse codes of the past, end sessions, tokens and links');
    examples(command, 'after-restore', 'after-restore --void-recovery-codes')
      .option('--void-recovery-codes', 'void every unused recovery code: some may have been used since the backup')
      .action((options: CommandOptions) => run('after-restore', options));
  },
};
