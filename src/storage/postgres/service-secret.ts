import type { Kysely } from 'kysely';
import { newBytes } from '../../crypto/random.ts';
import type { SecretBox } from '../../crypto/secret-box.ts';
import type { Tables } from './tables.ts';

/** What a secret of the service is bound to. */
export function serviceSecretContext(name: string) {
  return { table: 'service_secrets', column: 'value_sealed', owner: '', row: name };
}

/** A secret of 32 bytes that is made once and then stays, whichever keys rotate; every replica gets the same. */
export async function readServiceSecret(db: Kysely<Tables>, box: SecretBox, name: string): Promise<Buffer> {
  const find = () =>
    db.selectFrom('service_secrets').select('value_sealed').where('name', '=', name).executeTakeFirst();
  let row = await find();
  if (row === undefined) {
    const value_sealed = box.seal(newBytes(32), serviceSecretContext(name));
    await db
      .insertInto('service_secrets')
      .values({ name, value_sealed })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    row = await find();
  }
  if (row === undefined) throw new Error('the service secret was not kept');
  return box.open(row.value_sealed, serviceSecretContext(name));
}
