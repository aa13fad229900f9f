import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { compose, type Composed } from '../../src/compose.ts';
import { loadSettingsOf } from '../../src/config/settings-files.ts';
import { newBytes, newId, newToken } from '../../src/crypto/random.ts';
import { oneTimeCode, timeStepAt, type TotpParameters } from '../../src/domain/totp.ts';
import { createLogger, type Logger } from '../../src/logger.ts';
import { secretContext } from '../../src/second-factor/secret-context.ts';
import { freshDatabase } from './database.ts';
import { freshEmbeddedFolder } from './embedded-folder.ts';
import { freshRedisUrl } from './redis.ts';
import { testContext } from './stores.ts';

/** Both shapes: several replicas on PostgreSQL and Redis, and one process on the embedded default. */
export type Shape = 'servers' | 'embedded';

export interface TestService {
  readonly issuer: string;
  readonly replicas: readonly Composed[];
  /** Where each replica listens; the issuer's own address is the first. */
  readonly addresses: readonly string[];
  /** The first replica. */
  readonly composed: Composed;
  /** A person with password and authenticator, made directly in the stores. */
  addPerson(options?: { readonly withoutFactor?: boolean }): Promise<TestPerson>;
  /** Fills the password budgets of a person again, as time does. */
  forgetPasswordBudget(person: TestPerson): Promise<void>;
  /** What the record says of a person, oldest first. */
  auditOf(person: TestPerson): Promise<readonly { readonly type: string; readonly reason: string | null }[]>;
  close(): Promise<void>;
}

export interface TestPerson {
  readonly id: string;
  readonly username: string;
  readonly password: string;
  readonly totp: TotpParameters;
  /** The code of the present step, or of one so many steps away. */
  code(offset?: number): string;
}

export interface ServiceOptions {
  /** One for all replicas, or one each. */
  readonly clock?: Clock | readonly Clock[];
  /** How many replicas share PostgreSQL and Redis; the embedded default has one. */
  readonly replicas?: number;
  readonly environment?: Record<string, string>;
  /** Where the service logs; silent without. */
  readonly logger?: Logger;
}

/** The sample client of the tests; its secret and redirect address. */
export const testClient = {
  id: 'rp',
  secret: 'a secret of the test client, long enough',
  redirectUri: 'https://rp.example/callback',
};

/** Composes and starts the real service on a free port of the loopback. */
export async function startService(shape: Shape, options: ServiceOptions = {}): Promise<TestService> {
  const port = Number(options.environment?.['PORT'] ?? (await freePort()));
  const issuer = `http://localhost:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'twofold-'));
  const database = shape === 'servers' ? await freshDatabase() : undefined;
  if (database === undefined) await freshEmbeddedFolder(join(folder, 'database'));
  const environment = {
    ISSUER: issuer,
    PORT: String(port),
    LOG_LEVEL: 'silent',
    // The tests' own proxy: each browser of a test may say where it is.
    TRUSTED_PROXIES: '127.0.0.1,::1',
    TWOFOLD_DATA_DIR: folder,
    // Cheap hashes: the tests sign in often.
    TWOFOLD_HASH_MEMORY_KIB: '8192',
    TWOFOLD_HASH_ITERATIONS: '1',
    ...(database === undefined
      ? {}
      : {
          DATABASE_URL: database.url,
          REDIS_URL: await freshRedisUrl(),
          ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
          COOKIE_KEYS: newToken(),
        }),
    ...options.environment,
  };
  const outcome = loadSettingsOf(environment);
  if (outcome.kind === 'faulty') throw new Error(outcome.faults.join('\n'));
  const { settings } = outcome;
  const logger = options.logger ?? createLogger(settings.logLevel);
  const replicas: Composed[] = [];
  const addresses: string[] = [];
  for (let number = 0; number < (shape === 'servers' ? (options.replicas ?? 1) : 1); number += 1) {
    const clock = Array.isArray(options.clock) ? (options.clock as Clock[])[number] : (options.clock as Clock);
    const own = number === 0 ? port : await freePort();
    const replica = await compose({ settings: { ...settings, port: own }, logger, ...(clock && { clock }) });
    await replica.listen();
    replicas.push(replica);
    addresses.push(`http://localhost:${own}`);
  }
  const [composed] = replicas;
  if (composed === undefined) throw new Error('no replica was started');
  const { services } = composed;
  await services.manageRelyingParties.apply(
    {
      client_id: testClient.id,
      client_secret: testClient.secret,
      client_name: 'Test client',
      redirect_uris: [testClient.redirectUri],
      post_logout_redirect_uris: ['https://rp.example/'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
    'test',
    testContext,
  );
  return {
    issuer,
    composed,
    replicas,
    addresses,
    addPerson: (person = {}) => addPerson(composed, person.withoutFactor === true),
    async forgetPasswordBudget({ id }) {
      for (const name of ['password-account', 'password-account-long']) await services.attempts.clear(`${name}:${id}`);
    },
    auditOf: ({ id }) =>
      services.database.kysely
        .selectFrom('audit_events')
        .select(['type', 'reason'])
        .where('target', '=', id)
        .orderBy('id')
        .execute(),
    async close() {
      await Promise.all(replicas.map((replica) => replica.close()));
      await database?.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Another process over the stores of one that was closed, on the same port. */
export async function startAgain({ services }: Composed): Promise<Composed> {
  const again = await compose({ settings: services.settings, logger: services.logger });
  await again.listen();
  return again;
}

async function addPerson({ services }: Composed, withoutFactor: boolean): Promise<TestPerson> {
  const id = newId();
  const username = `person-${id.slice(0, 8)}`;
  const password = `correct horse ${id.slice(0, 8)}`;
  const totp = { secret: newBytes(20), algorithm: 'SHA1' as const, digits: 6 as const, periodSeconds: 30 };
  const passwordHash = await services.hasher.hash(password);
  const authenticatorId = newId();
  await services.inTransaction(async ({ users, authenticators }) => {
    const user = { id, username, email: `${username}@example.com`, emailVerified: true, passwordHash, roles: [] };
    await users.insert({ ...user, claims: { name: 'A Person' }, locale: null });
    if (withoutFactor) return;
    const secretSealed = services.secretBox.seal(totp.secret, secretContext({ id: authenticatorId, userId: id }));
    const { algorithm, digits, periodSeconds } = totp;
    const authenticator = {
      id: authenticatorId,
      userId: id,
      label: 'Phone',
      secretSealed,
      algorithm,
      digits,
      periodSeconds,
    };
    await authenticators.insertLive(authenticator);
  });
  return {
    id,
    username,
    password,
    totp,
    code: (offset = 0) => oneTimeCode(totp, timeStepAt(services.clock.epochSeconds(), 30) + offset),
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
