import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projectFolder } from '../support/paths.ts';
import { runProgram } from '../support/run-program.ts';
import { freePort } from '../support/servers/free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'twofold-backup-'));
const data = join(folder, 'data');
const file = join(folder, 'backup.gz');
let environment: Record<string, string>;
let service: ChildProcess;

before(async () => {
  const port = await freePort();
  environment = {
    PORT: String(port),
    ISSUER: `http://localhost:${port}`,
    TWOFOLD_DATA_DIR: data,
    TWOFOLD_HASH_MEMORY_KIB: '8192',
  };
  const { PATH = '', HOME = '' } = process.env;
  service = spawn(process.execPath, [join(projectFolder, 'src', 'main.ts')], {
    env: { PATH, HOME, LOG_LEVEL: 'silent', ...environment },
    stdio: 'ignore',
  });
  await until(() => existsSync(join(data, 'control.sock')));
});
after(async () => {
  if (service.exitCode === null) service.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tried = 0; tried < 600 && service.exitCode === null; tried += 1) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail('it did not come to that within 30 seconds');
}

const oneLine = (text: string, words: RegExp): void => {
  assert.match(text, words);
  assert.equal(text.trim().split('\n').length, 1, text);
};

test('while the service runs it is backed up over its socket, looked at, and cannot be restored over', async () => {
  assert.equal((await runProgram(['users', 'create', 'ada'], environment)).status, 0);
  const backup = await runProgram(['backup', file], environment);
  assert.equal(backup.status, 0, backup.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
  const doctor = await runProgram(['doctor', '--json'], environment);
  assert.equal(doctor.status, 0, doctor.stdout + doctor.stderr);
  const found = doctor.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; state: string });
  assert.deepEqual(
    found.map(({ check, state }) => `${check} ${state}`).filter((one) => !one.endsWith(' ok')),
    ['mail warning', 'settings warning'],
  );
  for (const check of ['database', 'redis', 'migrations', 'clock', 'encryption_keys', 'signing_keys', 'issuer']) {
    assert.ok(
      found.some((one) => one.check === check && one.state === 'ok'),
      check,
    );
  }
  const refused = await runProgram(['restore', file, '--replace'], environment);
  assert.equal(refused.status, 1);
  oneLine(refused.stderr, /^twofold: the data folder is in use by process \d+/);
});

test('a backup that cannot be written is one clear line, and leaves nothing', async () => {
  const { status, stderr } = await runProgram(['backup', join(folder, 'none', 'backup.gz')], environment);
  assert.equal(status, 1);
  oneLine(stderr, /^twofold: .*none\/backup\.gz cannot be written: ENOENT\n$/);
});

test('the doctor fails, by exit status too, where the issuer does not answer', async () => {
  service.kill('SIGTERM');
  await new Promise((done) => service.once('exit', done));
  const { status, stdout, stderr } = await runProgram(['doctor'], environment);
  assert.equal(status, 1);
  assert.match(stdout, /^failed {3}issuer: http:\/\/localhost:\d+ does not answer \(ECONNREFUSED\) – is the service/m);
  assert.match(stderr, /^twofold: 1 checks failed; see above$/m);
});

test('N07 restored over later changes the folder is as it was, keys and all, and what was there is kept aside', async () => {
  assert.equal((await runProgram(['users', 'create', 'later'], environment)).status, 0);
  const refused = await runProgram(['restore', file], environment);
  assert.equal(refused.status, 1);
  oneLine(refused.stderr, /^twofold: .* holds data already: say --replace/);
  const restored = await runProgram(['restore', file, '--replace', '--json'], environment);
  assert.equal(restored.status, 0, restored.stderr);
  assert.ok(existsSync(join(data, 'before-restore', 'database')));
  assert.equal(statSync(join(data, 'keys.json')).mode & 0o777, 0o600);
  const { stdout } = await runProgram(['users', 'list', '--json'], environment);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { username: string }).username),
    ['ada'],
  );
  const verified = await runProgram(['audit', 'verify', '--json'], environment);
  assert.equal(verified.status, 0, verified.stderr);
  // Without a service it is backed up as well.
  assert.equal((await runProgram(['backup', file], environment)).status, 0);
});
