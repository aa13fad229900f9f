import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../../src/crypto/random.ts';
import { projectFolder } from './paths.ts';
import { freePort } from './servers/free-port.ts';
import type { TestService } from './service.ts';
import { testContext } from './stores.ts';

export interface SampleRelyingParty {
  readonly address: string;
  stop(): Promise<void>;
}

/** Registers and starts the sample that `npm start` runs, as it is: an independent client library in its own process. */
export async function startSampleRelyingParty(service: TestService): Promise<SampleRelyingParty> {
  const address = `http://localhost:${await freePort()}`;
  const registration = { issuer: service.issuer, client_id: 'sample', client_secret: newId() + newId(), address };
  await service.composed.services.manageRelyingParties.apply(
    {
      client_id: registration.client_id,
      client_secret: registration.client_secret,
      client_name: 'Sample relying party',
      redirect_uris: [`${address}/callback`],
      post_logout_redirect_uris: [`${address}/`],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    'test',
    testContext,
  );
  const file = join(tmpdir(), `sample-${newId()}.json`);
  writeFileSync(file, JSON.stringify(registration), { mode: 0o600 });
  const child = spawn(process.execPath, [join(projectFolder, 'examples', 'relying-party', 'main.ts')], {
    env: { ...process.env, RELYING_PARTY_FILE: file },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (let tried = 0; ; tried += 1) {
    if (
      await fetch(address).then(
        () => true,
        () => false,
      )
    )
      break;
    if (tried > 200 || child.exitCode !== null) throw new Error('the sample relying party did not start');
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    address,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      await rm(file, { force: true });
    },
  };
}
