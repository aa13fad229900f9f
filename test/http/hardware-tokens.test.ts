import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seedLines } from '../../src/cli/authenticators.ts';
import { oneTimeCode, timeStepAt, type TotpParameters } from '../../src/domain/totp.ts';
import { projectFolder } from '../support/paths.ts';
import { runCommand } from '../support/run-command.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

const fixtures = join(projectFolder, 'test', 'fixtures');
const hex = '3132333435363738393031323334353637383930';

describe('hardware tokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-tokens-'));
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(async () => {
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const bind = (given: Parameters<typeof seedLines>[0]) =>
    runCommand(service.composed.services, 'authenticators import', {}, [...seedLines(given)]);

  async function assertSignsIn(person: TestPerson, totp: TotpParameters): Promise<void> {
    const agent = new UserAgent(service.issuer);
    const step = await agent.submit(await agent.begin(), { login: person.username, password: person.password });
    assert.equal(step.page, 'one-time-code');
    const now = service.composed.services.clock.epochSeconds();
    const code = oneTimeCode(totp, timeStepAt(now, totp.periodSeconds));
    assert.equal((await agent.submit(step, { code })).page, 'consent');
  }

  test('PSKC, encrypted as in RFC 6030 section 6.1, ends in a sign-in with the code of the token', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const out = await bind({
      file: join(fixtures, 'pskc-encrypted.xml'),
      format: 'pskc',
      keyFile: file('transport.key', '12345678901234567890123456789012\n'),
      users: file('handed-out.csv', `serial,username\n987654321,${person.username}\n`),
    });
    assert.deepEqual(out, [`1 987654321 belongs to ${person.username} now`, '1 bound, 0 refused']);
    const secret = Buffer.from('12345678901234567890');
    await assertSignsIn(person, { secret, algorithm: 'SHA1', digits: 8, periodSeconds: 30 });
    const events = await service.auditOf(person);
    assert.ok(events.some(({ type }) => type === 'authenticator.imported'));
  });

  test('CSV with SHA-256 and eight digits ends in a sign-in too', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const list = file(
      'tokens.csv',
      `serial,secret_hex,algorithm,digits,period,username\nT-1,${hex}313233343536373839303132,SHA256,8,60,${person.username}\n`,
    );
    await bind({ file: list, format: 'csv' });
    const secret = Buffer.from('12345678901234567890123456789012');
    await assertSignsIn(person, { secret, algorithm: 'SHA256', digits: 8, periodSeconds: 60 });
  });

  test('five a person, each token once, to people there are', async () => {
    const person = await service.addPerson();
    const line = (serial: string, secret: string, username = person.username) => `${serial},${secret},${username}`;
    const more = Array.from({ length: 5 }, (_, at) => line(`M-${at}`, `${at}0${hex}`));
    const lines = [line('N', hex, 'nobody'), line('N2', hex, ''), more[0], `M-0,11${hex},${person.username}`];
    const text = ['serial,secret_hex,username', ...lines, line('M-0b', `00${hex}`), ...more.slice(1)].join('\n');
    const list = file('many.csv', text);
    const told: string[] = [];
    const io = {
      lines: (async function* () {
        yield* seedLines({ file: list, format: 'csv' });
      })(),
      out: (one: string) => told.push(one),
      progress: () => {},
    };
    const { commands } = await import('../../src/cli/commands.ts');
    await assert.rejects(async () => commands['authenticators import']?.(service.composed.services, {}, io), {
      code: 'lines_refused',
    });
    const bound = `belongs to ${person.username} now`;
    assert.deepEqual(told, [
      '2 N there is no such user',
      '3 N2 nobody is named to whom it belongs',
      `4 M-0 ${bound}`,
      '5 M-0 the serial number was there before in this file',
      '6 M-0b this token is bound to the user already',
      `7 M-1 ${bound}`,
      `8 M-2 ${bound}`,
      `9 M-3 ${bound}`,
      '10 M-4 the user has 5 authenticators',
      '4 bound, 5 refused',
    ]);
  });

  test('a file that is not there, a format nobody knows and a key of no length are told in one line', () => {
    const given = { file: join(folder, 'none'), format: 'csv' };
    assert.throws(() => [...seedLines(given)], /cannot be read: ENOENT/);
    assert.throws(() => [...seedLines({ ...given, format: 'xls' })], /--format is csv or pskc/);
    const keyFile = file('short.key', 'abcd');
    assert.throws(() => [...seedLines({ file: keyFile, format: 'pskc', keyFile })], /no key of 16, 24 or 32 bytes/);
  });
});
