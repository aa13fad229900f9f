import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from './paths.ts';
import { freePort } from './servers/free-port.ts';
import type { TestService } from './service.ts';
import { testContext } from './stores.ts';

export interface ExpressSample {
  /** Where people reach it. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Registers and starts the Express sample; behind a proxy `address` is the proxy's and `port` the sample's own. */
export async function startExpressSample(
  service: TestService,
  address?: string,
  port?: number,
): Promise<ExpressSample> {
  const own = port ?? (await freePort());
  const publicAddress = address ?? `http://localhost:${own}`;
  const secret = 'the secret of the Express sample, long enough';
  await service.composed.services.manageRelyingParties.apply(
    {
      client_id: 'express',
      client_secret: secret,
      client_name: 'Express sample',
      redirect_uris: [`${publicAddress}/callback`],
      post_logout_redirect_uris: [publicAddress],
    },
    'test',
    testContext,
  );
  const child = spawn(process.execPath, [join(projectFolder, 'examples', 'express', 'main.mjs')], {
    env: {
      ...process.env,
      ISSUER: service.issuer,
      BASE_URL: publicAddress,
      PORT: String(own),
      CLIENT_ID: 'express',
      CLIENT_SECRET: secret,
      COOKIE_SECRET: 'a cookie secret of the sample, long enough',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('listening') && resolve());
    child.once('exit', (status) => reject(new Error(`the sample ended with ${status}`)));
  });
  return {
    address: publicAddress,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
}
