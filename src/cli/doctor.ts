import { Fault } from '../errors.ts';
import { examples, print, type Command, type CommandGroup, type CommandIo, type CommandOptions } from './command.ts';
import { checkHealth, type Finding } from '../compose/health-checks.ts';
import { out, say } from './terminal.ts';

const doctor: Command = async (services, options, io) => {
  let failures = 0;
  for await (const finding of checkHealth(services)) {
    if (finding.state === 'failed') failures += 1;
    show(finding.check, finding, options, io);
  }
  if (failures > 0) throw new Fault('doctor_failed', 500, `${failures} checks failed; see above`);
};

function show(check: string, { state, what, advice }: Finding, options: CommandOptions, io: CommandIo): void {
  print(io, options, { check, state, what, advice: advice ?? null }, [
    `${state.padEnd(8)} ${check}: ${what}${advice === undefined ? '' : ` – ${advice}`}`,
  ]);
}

/** Looks at everything there is to look at, and says what to do. */
export const doctorGroup: CommandGroup = {
  commands: { doctor },
  declare(program, run) {
    const command = program.command('doctor');
    command.description('look at stores, migrations, keys, clock, mail, proxies, issuer and settings; say what to do');
    examples(command, 'doctor', 'doctor --json').action(async () => {
      try {
        await run('doctor', {}, { migrates: false });
      } catch (error) {
        // What keeps the stores from being opened is a finding as well.
        if (error instanceof Fault && error.code !== 'doctor_failed') {
          const json = program.opts<{ json?: boolean }>().json === true;
          const finding = { state: 'failed', what: error.message, advice: 'nothing else can be looked at' } as const;
          show('stores', finding, { json }, { lines: (async function* () {})(), out, progress: say });
        }
        throw error;
      }
    });
  },
};
