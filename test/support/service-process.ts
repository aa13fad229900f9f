import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from './paths.ts';
import { freePort } from './servers/free-port.ts';

/** The service as a process of its own, which a test may end in any way. */
export interface ServiceProcess {
  readonly address: string;
  readonly child: ChildProcess;
  /** The exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts `src/main.ts` and waits until it is ready. */
export async function startServiceProcess(environment: Record<string, string>): Promise<ServiceProcess> {
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const child = spawn(process.execPath, [join(projectFolder, 'src', 'main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', ISSUER: address, LOG_LEVEL: 'silent', ...environment, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit').then(([status, signal]) => (status ?? signal) as number | string);
  for (let tries = 0; ; tries += 1) {
    if (child.exitCode !== null || tries > 300) {
      child.kill('SIGKILL');
      throw new Error(`the service did not start: ${said}`);
    }
    const ready = await fetch(`${address}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) return { address, child, ended };
    await new Promise((done) => setTimeout(done, 50));
  }
}
