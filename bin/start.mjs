#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileCacheFolder, mirror, project, runtimeIsReady } from './runtime.mjs';

// `npm start`: the service, and beside the embedded default the sample relying party.
if (runtimeIsReady(fileURLToPath(import.meta.url))) {
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCacheFolder() };
  const sample = join(project, 'examples', 'relying-party', 'main.ts');
  if (env.RELYING_PARTY_FILE === undefined) {
    env.RELYING_PARTY_FILE = join(process.env.TWOFOLD_DATA_DIR ?? 'data', 'sample-relying-party.json');
    // The service writes it anew; what an earlier start left may name another address.
    rmSync(env.RELYING_PARTY_FILE, { force: true });
  }
  const run = (file) => spawn(process.execPath, [file], { stdio: 'inherit', env });
  const service = run(join(project, 'src', 'main.ts'));
  const { NODE_ENV, DATABASE_URL, TWOFOLD_SAMPLE_PORT } = process.env;
  const wanted = NODE_ENV !== 'production' && !DATABASE_URL && TWOFOLD_SAMPLE_PORT !== '0';
  if (wanted && existsSync(sample)) {
    const relyingParty = run(sample);
    service.on('exit', () => relyingParty.kill());
  }
  mirror(service);
}
