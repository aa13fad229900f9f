import type { Client, Provider } from 'oidc-provider';

interface KeyStore {
  clear(): void;
  add(jwk: Readonly<Record<string, string>>): void;
}

/**
 * Lets clients sign their assertions with any of their live secrets (`client_secret_jwt`, OpenID Connect Core section 9).
 * The engine knows one secret a client and keeps it as long as the metadata stay; here the secrets of this very moment
 * are read whenever such a client comes, and one without any opens nothing.
 */
export function verifyWithKeptSecrets(
  provider: Provider,
  readSecrets: (clientId: string) => Promise<readonly string[]>,
): void {
  const model = provider.Client as unknown as { find(id: string): Promise<Client | undefined> };
  const find = model.find.bind(model);
  model.find = async (id) => {
    const client = await find(id);
    if (client?.clientAuthMethod !== 'client_secret_jwt') return client;
    const secrets = await readSecrets(client.clientId);
    const { symmetricKeyStore: keys } = client as unknown as { symmetricKeyStore: KeyStore };
    keys.clear();
    for (const secret of secrets) {
      keys.add({ alg: 'HS256', use: 'sig', kty: 'oct', k: Buffer.from(secret).toString('base64url') });
    }
    return client;
  };
}
