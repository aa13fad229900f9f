import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { migrate } from '../../src/storage/postgres/migrate.ts';
import { projectFolder } from './paths.ts';

/** A database of one test: its URL, and its end (connections still open are cut). */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

const migrationFolder = join(projectFolder, 'migrations');
let template: Promise<string> | undefined;

/** A new database with every migration applied, cloned from a template that the first caller of a run makes. */
export async function freshDatabase(): Promise<TestDatabase> {
  template ??= makeTemplate();
  return createDatabase(await template);
}

/** A new database with nothing in it. */
export async function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template0');
}

function serverUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url) return url;
  throw new Error('TEST_DATABASE_URL is not set: run tests with "npm test" or "npm run test:file -- FILE"');
}

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
}

async function asSuperuser<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: serverUrl() });
  client.on('error', () => {}); // a cut connection shows in the pending query
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function createDatabase(from: string): Promise<TestDatabase> {
  const name = `twofold_test_${randomBytes(8).toString('hex')}`;
  await asSuperuser((client) => client.query(`create database ${name} template ${from}`));
  return {
    url: urlOf(name),
    drop: () =>
      asSuperuser(async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Of their names and contents. */
export function hashOfMigrations(): string {
  const files = readdirSync(migrationFolder)
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(migrationFolder, file)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The template bears the hash of the migrations in its name, so that a server which outlives the run (or an edited
 * migration) never serves an old schema. The advisory lock lets one test process make it while the others wait; it
 * gets its name only when it is complete.
 */
async function makeTemplate(): Promise<string> {
  const name = `twofold_template_${hashOfMigrations()}`;
  await asSuperuser(async (client) => {
    await client.query('select pg_advisory_lock(20260001)');
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount) return;
    await client.query(`drop database if exists ${name}_new with (force)`);
    await client.query(`create database ${name}_new template template0`);
    await migrateDatabase(urlOf(`${name}_new`));
    await client.query(`alter database ${name}_new rename to ${name}`);
  });
  return name;
}

async function migrateDatabase(url: string): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
}
