import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { newToken, hashToken } from '../crypto/random.ts';
import { linkLifetimeSeconds } from '../users/manage-users.ts';
import type { Services } from './services.ts';

/**
 * On the embedded default: keeps the sample relying party registered and, while there is no operator, prints the one
 * single-use link that makes the first. A link of an earlier start is void.
 */
export async function firstRun(services: Services, say: (line: string) => void): Promise<void> {
  const { folder, settings, inTransaction, manageRelyingParties } = services;
  if (folder === undefined) return;
  say(`Twofold: ${settings.issuer}`);
  const context = { requestId: 'start', address: 'local', userAgent: 'start' };
  if (settings.samplePort > 0 && !settings.production) {
    const address = `http://localhost:${settings.samplePort}`;
    await manageRelyingParties.apply(
      {
        client_id: 'sample',
        client_secret: folder.sampleSecret,
        client_name: 'Sample relying party',
        client_uri: address,
        redirect_uris: [`${address}/callback`],
        post_logout_redirect_uris: [`${address}/`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      'start',
      context,
    );
    const file = join(resolve(settings.dataDir), 'sample-relying-party.json');
    const known = { issuer: settings.issuer, client_id: 'sample', client_secret: folder.sampleSecret, address };
    writeFileSync(file, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 });
  }
  const token = await inTransaction(async ({ users, links }) => {
    if ((await users.countOperators()) > 0) return undefined;
    const made = newToken();
    await links.voidPurpose('first-operator');
    await links.issue(hashToken(made), { purpose: 'first-operator', userId: null }, linkLifetimeSeconds);
    return made;
  });
  if (token !== undefined) {
    say('There is no operator yet. This link makes the first one; it works once, for 24 hours:');
    say(`${settings.issuer}/set-up/${token}`);
  }
}
