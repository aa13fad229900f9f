import { pino, type Logger as PinoLogger, type LoggerOptions } from 'pino';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

/** Names whose values never reach a log, wherever they stand in what is logged. */
const secretNames = [
  'password',
  'code',
  'secret',
  'token',
  'cookie',
  'authorization',
  'csrf',
  'otpauthUri',
  'recoveryCodes',
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'client_assertion',
  'code_verifier',
];

/** JSON lines on standard output, or where else they are led. Bodies, queries and headers are not logged at all; what slips in is redacted. */
export function createLogger(level: string, destination?: NodeJS.WritableStream): Logger {
  const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const options: LoggerOptions = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '(redacted)' },
    serializers: { err: describeError, error: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** An error's own words and stack; a cause by its words alone, since drivers put data into theirs. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error).slice(0, 500) };
  const cause = error.cause instanceof Error ? { name: error.cause.name, faultCode: codeOf(error.cause) } : undefined;
  return {
    name: error.name,
    faultCode: codeOf(error),
    message: error.message.slice(0, 500),
    stack: error.stack,
    cause,
  };
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
