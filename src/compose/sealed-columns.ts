import { idempotentAnswerContext } from '../admin/api/idempotency.ts';
import type { SealedColumn } from '../operations/encryption-key-store.ts';
import { tokenContext } from '../provider/sealed-payload.ts';
import { signingKeyContext } from '../provider/signing-keys.ts';
import { secretContext } from '../second-factor/secret-context.ts';
import { personKeyContext } from '../storage/postgres/audit-person-keys.ts';
import { outboxContext } from '../storage/postgres/outbox.ts';
import { clientSecretContext } from '../storage/postgres/relying-party-store.ts';
import { serviceSecretContext } from '../storage/postgres/service-secret.ts';

/** A value bound to its table, its column and its row. */
function byId(table: string, column: string): SealedColumn {
  return {
    table,
    column,
    key: 'id',
    keyType: 'uuid',
    context: ({ key }) => ({ table, column, owner: '', row: key }),
  };
}

/**
 * Every column that the service's own keys seal; a test compares it with the database. What is sealed under a person's
 * key is not here, since that key is; nor are the seals of the record, which nobody may change.
 */
export const sealedColumns: readonly SealedColumn[] = [
  byId('backchannel_requests', 'request_sealed'),
  {
    table: 'authenticators',
    column: 'secret_sealed',
    key: 'id',
    keyType: 'uuid',
    also: ['user_id'],
    context: ({ key, also }) => secretContext({ id: key, userId: also['user_id'] ?? '' }),
  },
  {
    table: 'signing_keys',
    column: 'private_sealed',
    key: 'kid',
    keyType: 'text',
    context: ({ key }) => signingKeyContext(key),
  },
  {
    table: 'person_keys',
    column: 'key_sealed',
    key: 'subject',
    keyType: 'text',
    context: ({ key }) => personKeyContext(key),
  },
  {
    table: 'tokens',
    column: 'payload_sealed',
    key: 'id_hash',
    keyType: 'text',
    also: ['kind'],
    context: ({ key, also }) => tokenContext(also['kind'] ?? '', key),
  },
  {
    table: 'tokens',
    column: 'successor_sealed',
    key: 'id_hash',
    keyType: 'text',
    also: ['kind'],
    context: ({ key, also }) => tokenContext(also['kind'] ?? '', key, 'successor'),
  },
  {
    table: 'outbox',
    column: 'secret_sealed',
    key: 'id',
    keyType: 'uuid',
    context: ({ key }) => outboxContext(key),
  },
  {
    table: 'idempotent_answers',
    column: 'answer_sealed',
    key: 'key_hash',
    keyType: 'text',
    context: ({ key }) => idempotentAnswerContext(key),
  },
  {
    table: 'service_secrets',
    column: 'value_sealed',
    key: 'name',
    keyType: 'text',
    context: ({ key }) => serviceSecretContext(key),
  },
  {
    table: 'relying_party_secrets',
    column: 'secret_sealed',
    key: 'id',
    keyType: 'uuid',
    also: ['client_id'],
    context: ({ key, also }) => clientSecretContext(key, also['client_id'] ?? ''),
  },
  byId('webhooks', 'secret_sealed'),
  byId('webhooks', 'previous_secret_sealed'),
];
