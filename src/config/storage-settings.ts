import { z } from 'zod';
import { flag, text, whole, type SettingDefinition } from './setting-definition.ts';

/** Where things are kept. */
export const storageSettings = {
  databaseUrl: {
    name: 'DATABASE_URL',
    path: 'database.url',
    schema: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'),
    secret: true,
    production: true,
    sentence: 'PostgreSQL 15 or later; without it the embedded database under the data folder is used.',
  },
  databaseMigrationUrl: {
    name: 'DATABASE_MIGRATION_URL',
    path: 'database.migration_url',
    schema: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'),
    secret: true,
    sentence: "The owner's role, for migrations, where the service's own role may do less.",
  },
  databasePoolSize: {
    name: 'TWOFOLD_DATABASE_POOL_SIZE',
    path: 'database.pool_size',
    schema: whole(1, 200),
    default: '10',
    sentence: 'Connections to PostgreSQL of one replica.',
  },
  statementTimeoutMilliseconds: {
    name: 'TWOFOLD_STATEMENT_TIMEOUT_MS',
    path: 'database.statement_timeout_ms',
    schema: whole(100, 60_000),
    default: '2000',
    sentence: 'How long one statement may take before the request is answered with 503.',
  },
  dataDir: {
    name: 'TWOFOLD_DATA_DIR',
    path: 'database.data_dir',
    schema: text,
    default: 'data',
    sentence: 'Folder of the embedded database, its keys and its mails.',
  },
  allowEmbedded: {
    name: 'TWOFOLD_ALLOW_EMBEDDED',
    path: 'database.allow_embedded',
    schema: flag,
    default: 'false',
    sentence: 'Admits the embedded default in production, for an installation on one machine.',
  },
  redisUrl: {
    name: 'REDIS_URL',
    path: 'redis.url',
    schema: z
      .string()
      .regex(
        /^rediss?(?:\+(?:sentinel|cluster))?:\/\/./,
        'must begin with redis:// or rediss://, or with redis+sentinel:// or redis+cluster://',
      ),
    secret: true,
    production: true,
    sentence: 'Redis or Valkey; without it short-lived state is kept in this one process.',
  },
} as const satisfies Record<string, SettingDefinition>;
