import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from './paths.ts';

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs bin/twofold.mjs as a person would, with these settings alone. */
export async function runProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ProgramResult> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(projectFolder, 'bin', 'twofold.mjs'), ...words], {
    env: { PATH, HOME, LOG_LEVEL: 'silent', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}
