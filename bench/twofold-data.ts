import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client, type BenchUser } from './relying-party.ts';
import { runCommand, type Environment } from './targets.ts';

/** Migrates the database and fills it as an operator would: one client, all users with password and authenticator. */
export async function prepareTwofold(settings: Environment, users: BenchUser[], storedHash: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-bench-'));
  try {
    const clients = join(folder, 'clients.json');
    const registration = {
      client_id: client.id,
      client_secret: client.secret,
      client_name: 'Benchmark',
      redirect_uris: [client.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      scope: 'openid offline_access',
      first_party: true,
    };
    writeFileSync(clients, JSON.stringify({ clients: [registration] }));
    const lines = users.map(({ username, secret }) =>
      JSON.stringify({ username, password_hash: storedHash, totp: [{ secret, label: 'bench' }] }),
    );
    const list = join(folder, 'users.ndjson');
    writeFileSync(list, `${lines.join('\n')}\n`);
    await runCommand(['migrate'], settings);
    await runCommand(['clients', 'apply', '-f', clients], settings);
    await runCommand(['users', 'import', '-f', list], settings);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
