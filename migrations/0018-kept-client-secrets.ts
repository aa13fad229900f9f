import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A client that signs its assertions with its secret (client_secret_jwt) has it kept, sealed; of all others a hash is
  // enough.
  await sql`alter table relying_party_secrets add column secret_sealed text`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table relying_party_secrets drop column secret_sealed`.execute(db);
}
