import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { InvalidInput } from '../errors.ts';
import { commandLine, examples, type Command, type CommandGroup, type CommandOptions } from './command.ts';
import { linesOf } from './input-lines.ts';
import { environment } from './terminal.ts';

const { actor, context } = commandLine;
const linesAReport = 10_000;

const usersImport: Command = async ({ importUsers, clock }, options, io) => {
  const keys = Array.isArray(options['fernetKeys']) ? options['fernetKeys'].map(String) : [];
  const firstLine = Number(options['firstLine'] ?? 1);
  const resumes = firstLine > 1;
  const counts = { created: 0, updated: 0, refused: 0, skipped: 0 };
  const began = clock.epochMilliseconds();
  let done = 0;
  let last = firstLine - 1;
  const rate = (): string => {
    const seconds = Math.max(0.001, (clock.epochMilliseconds() - began) / 1000);
    return `${done} lines in ${seconds.toFixed(1)} s, ${Math.round(done / seconds)} a second`;
  };
  const settings = { firstLine, skipExisting: resumes };
  for await (const line of importUsers(io.lines, keys, actor, context, settings)) {
    counts[line.result] += 1;
    last = line.line;
    if (options['json'] === true) await io.out(JSON.stringify(line));
    else if (line.result === 'refused') {
      await io.out(`line ${line.line}${line.username === null ? '' : ` (${line.username})`}: ${line.reason ?? ''}`);
    }
    done += 1;
    if (done % linesAReport === 0) {
      io.progress(rate());
      await io.checkpoint?.(last);
    }
  }
  await io.checkpoint?.(last);
  const { created, updated, refused, skipped } = counts;
  const summary = `${created} created, ${updated} updated, ${refused} refused${resumes ? `, ${skipped} there before` : ''}: ${rate()}`;
  if (options['json'] === true) io.progress(summary);
  else await io.out(summary);
  if (refused > 0) throw new InvalidInput('', `${refused} lines were refused`, 'lines_refused');
};

interface Given extends CommandOptions {
  readonly file?: string;
  readonly resume?: string;
}

/** Where an interrupted import goes on: after the last line that is known to be in. */
function finishedLines(path: string | undefined): number {
  if (path === undefined || !existsSync(path)) return 0;
  const text = readFileSync(path, 'utf8').trim();
  if (!/^\d+$/.test(text)) throw new InvalidInput('resume', `${path} is no file of an interrupted import`);
  return Number(text);
}

export const importGroup: CommandGroup = {
  commands: { 'users import': usersImport },
  declare(program, run) {
    const users = program.commands.find((command) => command.name() === 'users') ?? program.command('users');
    const command = users.command('import').description('import people from NDJSON on standard input or from a file');
    examples(command, 'users import -f people.ndjson --resume people.done', 'users import --json < people.ndjson')
      .option('-f, --file <path>', 'read this file')
      .option('--resume <path>', 'keep the number of the last finished line here, and go on after it')
      .addHelpText('after', '\nFernet keys come by TWOFOLD_IMPORT_FERNET_KEYS_FILE, one a line.')
      .action(({ file, resume }: Given) => {
        const path = environment['TWOFOLD_IMPORT_FERNET_KEYS_FILE'];
        const fernetKeys = path ? readFileSync(path, 'utf8').split(/\s+/).filter(Boolean) : [];
        const done = finishedLines(resume);
        const lines = linesOf(file, done);
        const checkpoint = (line: number): void => {
          if (resume !== undefined) writeFileSync(resume, `${line}\n`);
        };
        return run('users import', { fernetKeys, firstLine: done + 1 }, { lines, checkpoint });
      });
  },
};
