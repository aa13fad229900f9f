import { readFileSync, statSync } from 'node:fs';
import { readCsvLine } from '../domain/csv.ts';
import { secretFromBase32, secretToBase32 } from '../domain/totp.ts';
import { InvalidInput } from '../errors.ts';
import { readPskcSeeds } from '../second-factor/pskc.ts';
import { checkSeed, readCsvSeeds, secretFromHex, type ReadSeed } from '../second-factor/seed.ts';
import { commandLine, examples, print, type Command, type CommandGroup, type CommandOptions } from './command.ts';

const { actor, context } = commandLine;
/** A container of 30,000 tokens has about half of that. */
const mostBytes = 64 * 1024 * 1024;
const keyBytes = [16, 24, 32];

/** A seed on its way to the service: the file was read, and the secrets opened, where the file lies. */
interface SeedLine {
  readonly at: number;
  readonly serial: string;
  readonly reason?: string;
  readonly secret?: string;
  readonly algorithm?: string;
  readonly digits?: string;
  readonly period?: string;
  readonly username?: string;
}

const importSeeds: Command = async ({ importSeed }, options, io) => {
  const counts = { bound: 0, refused: 0 };
  for await (const text of io.lines) {
    const line = JSON.parse(text) as SeedLine;
    const outcome = await take(line);
    counts[outcome.kind] += 1;
    const username = line.username ?? '';
    const reason = outcome.kind === 'refused' ? outcome.reason : undefined;
    print(
      io,
      options,
      { at: line.at, serial: line.serial, username, result: outcome.kind, ...(reason && { reason }) },
      [`${line.at} ${line.serial} ${reason ?? `belongs to ${username} now`}`],
    );
  }
  const summary = `${counts.bound} bound, ${counts.refused} refused`;
  if (options['json'] === true) io.progress(summary);
  else await io.out(summary);
  if (counts.refused > 0) throw new InvalidInput('', `${counts.refused} tokens were refused`, 'lines_refused');

  async function take(line: SeedLine) {
    if (line.reason !== undefined) return { kind: 'refused' as const, reason: line.reason };
    const { at, serial, secret = '', algorithm = '', digits = '', period = '', username = '' } = line;
    const raw = secretFromBase32(secret);
    const checked = checkSeed(at, { serial, secret: raw, algorithm, digits, period, username });
    return checked.kind === 'refused' ? checked : importSeed(checked.seed, actor, context);
  }
};

/** The lines that the command takes, from a file of one of the formats. Throws `InvalidInput`. */
export function* seedLines(given: {
  readonly file: string;
  readonly format: string;
  readonly keyFile?: string;
  readonly users?: string;
}): Generator<string> {
  const owners = given.users === undefined ? undefined : ownersIn(textOf(given.users));
  const serials = new Set<string>();
  for (const read of seedsIn(given)) {
    const { at } = read;
    const serial = read.kind === 'seed' ? read.seed.serial : read.serial;
    if (read.kind === 'refused') {
      yield JSON.stringify({ at, serial, reason: read.reason } satisfies SeedLine);
      continue;
    }
    // One token for two people proves neither.
    const reason = serials.has(serial) ? 'the serial number was there before in this file' : undefined;
    serials.add(serial);
    const { secret, algorithm, digits, periodSeconds, username } = read.seed;
    yield JSON.stringify({
      at,
      serial,
      ...(reason && { reason }),
      secret: secretToBase32(secret),
      algorithm,
      digits: String(digits),
      period: String(periodSeconds),
      username: owners === undefined ? username : (owners.get(serial) ?? ''),
    } satisfies SeedLine);
  }
}

function seedsIn({ file, format, keyFile }: { file: string; format: string; keyFile?: string }): Iterable<ReadSeed> {
  if (format === 'csv') return readCsvSeeds(textOf(file));
  if (format !== 'pskc') throw new InvalidInput('format', '--format is csv or pskc');
  const key = keyFile === undefined ? undefined : secretFromHex(textOf(keyFile));
  if (keyFile !== undefined && !keyBytes.includes(key?.length ?? 0)) {
    throw new InvalidInput('key-file', `${keyFile} holds no key of 16, 24 or 32 bytes in hexadecimal`);
  }
  return readPskcSeeds(textOf(file), key);
}

/** Who got which token: lines of `serial,username`. */
function ownersIn(text: string): ReadonlyMap<string, string> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return new Map(lines.map((line) => readCsvLine(line)).map(([serial = '', username = '']) => [serial, username]));
}

function textOf(path: string): string {
  try {
    if (statSync(path).size > mostBytes) throw new InvalidInput('file', `${path} is longer than 64 MiB`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    const { code = 'it is no file' } = error as NodeJS.ErrnoException;
    throw new InvalidInput('file', `${path} cannot be read: ${code}`);
  }
}

interface Given extends CommandOptions {
  readonly file: string;
  readonly format: string;
  readonly keyFile?: string;
  readonly users?: string;
}

/** Hardware tokens. */
export const authenticatorsGroup: CommandGroup = {
  commands: { 'authenticators import': importSeeds },
  declare(program, run) {
    const authenticators = program.command('authenticators').description('hardware tokens of people');
    const command = authenticators
      .command('import')
      .description('bind hardware tokens to people, from a list of seeds');
    examples(
      command,
      'authenticators import -f tokens.csv --format csv',
      'authenticators import -f tokens.xml --format pskc --key-file transport.key --users handed-out.csv',
    )
      .requiredOption('-f, --file <path>', 'the list')
      .requiredOption('--format <name>', 'csv (a line that names the columns, then a token a line) or pskc (RFC 6030)')
      .option('--key-file <path>', 'the key agreed on beforehand, in hexadecimal, for encrypted PSKC')
      .option('--users <path>', 'who got which token, as lines of serial,username; else the list itself says')
      .action((given: Given) => {
        const lines = (async function* () {
          yield* seedLines(given);
        })();
        return run('authenticators import', {}, { lines });
      });
  },
};
