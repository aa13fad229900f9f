import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { newBytes, newToken } from '../../src/crypto/random.ts';
import { createSecretBox } from '../../src/crypto/secret-box.ts';
import { freshDatabase } from '../support/database.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { halfway, newBrowserOf, recoveryCodesOf } from '../support/sign-in.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

async function dumpOf({ composed }: TestService, redisUrl: string): Promise<string> {
  const db = composed.services.database.kysely;
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = current_schema()`.execute(db);
  const parts: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(name)} t`.execute(db);
    parts.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  const redis = new Redis(redisUrl);
  for (const key of await redis.keys('*')) parts.push(`redis ${key} ${await redis.get(key)}`);
  redis.disconnect();
  return parts.join('\n');
}

test('K11 a dump of PostgreSQL and Redis holds nothing that opens anything', async () => {
  const redisUrl = await freshRedisUrl();
  const clientSecret = testClient.secret;
  const service = await startService('servers', { environment: { REDIS_URL: redisUrl } });
  try {
    const person = await service.addPerson();
    const recoveryCodes = await recoveryCodesOf(service, person);
    const agent = newBrowserOf(service);
    const finished = await agent.signIn(person, { scope: 'openid offline_access', prompt: 'consent' });
    const tokens = await agent.redeem(finished);
    // One in the middle of its way, and one code that nobody redeemed.
    const half = await halfway(service, await service.addPerson());
    const another = await service.addPerson();
    const unused = await newBrowserOf(service).signIn(another);
    const par = await fetch(`${service.issuer}/par`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`rp:${new URLSearchParams({ s: clientSecret }).toString().slice(2)}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        client_id: testClient.id,
        response_type: 'code',
        scope: 'openid',
        redirect_uri: testClient.redirectUri,
        code_challenge: newToken(),
        code_challenge_method: 'S256',
      }),
    });
    const pushed = (await par.json()) as { request_uri?: string };
    const { request_uri: requestUri = '-' } = pushed;

    const dump = await dumpOf(service, redisUrl);
    assert.ok(dump.includes('redis twofold:') && dump.includes('authenticators ('), 'there is something in it');
    const { secret } = person.totp;
    const secretTexts = (['hex', 'base64', 'base64url', 'latin1'] as const).map((form) =>
      Buffer.from(secret).toString(form),
    );
    const bearers = [
      ...[agent, half.agent].flatMap(({ cookies }) =>
        // An interaction's id stands in its address too, and opens nothing without its signature.
        [...cookies]
          .filter(([name]) => !/-(?:interaction|resume)$/.test(name.split('|')[0] ?? ''))
          .map(([, { value }]) => value),
      ),
      tokens.access_token,
      tokens.refresh_token ?? 'no refresh token was issued',
      tokens.id_token,
      codeOf(finished),
      codeOf(unused),
      requestUri.split(':').at(-1) ?? '-',
      clientSecret,
      ...service.composed.services.keys.cookies,
      ...service.composed.services.keys.encryption.map(({ key }) => Buffer.from(key).toString('base64')),
    ];
    const known = [...secretTexts, person.password, another.password, ...recoveryCodes, ...bearers];
    assert.ok(tokens.refresh_token !== undefined, JSON.stringify(Object.keys(tokens)));
    assert.notEqual(requestUri, '-', JSON.stringify(pushed));
    // Short values (a locale, a flag) are no secrets.
    for (const value of known.filter((one) => one.length >= 8)) {
      assert.ok(
        !dump.includes(value),
        `${value.slice(0, 6)}… stands in ${dump
          .split('\n')
          .find((l) => l.includes(value))
          ?.slice(0, 80)}`,
      );
      assert.ok(!dump.includes(value.replaceAll('-', '')), `${value.slice(0, 6)}… stands there in another spelling`);
    }
    // A private key in any form: PEM, or the private members of a JWK.
    assert.doesNotMatch(dump, /PRIVATE KEY|"d":\s*"|"dp":\s*"|"q":\s*"/);
  } finally {
    await service.close();
  }
});

test('K12 no two sealings share key and nonce', () => {
  const box = createSecretBox([{ id: 'k1', key: newBytes(32) }]);
  const context = { table: 't', column: 'c', owner: '', row: '' };
  const plain = Buffer.from('x');
  const nonces = new Set<string>();
  const count = 20_000;
  for (let at = 0; at < count; at += 1) nonces.add(box.seal(plain, context).split('.')[2] ?? '');
  assert.equal(nonces.size, count);
});

test('L24 cookie keys change with an overlap: old cookies are good while their key is there, then not', async () => {
  const database = await freshDatabase();
  const issuer = 'http://localhost:65003';
  const shared = {
    ISSUER: issuer,
    DATABASE_URL: database.url,
    REDIS_URL: await freshRedisUrl(),
    ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
  };
  const [old, young] = [newToken(), newToken()];
  const start = (keys: string) => startService('servers', { environment: { ...shared, COOKIE_KEYS: keys } });
  const before = await start(old);
  // First every replica knows the new key, then it signs, then the old one goes.
  const known = await start(`${old},${young}`);
  const during = await start(`${young},${old}`);
  const afterwards = await start(young);
  try {
    const person = await before.addPerson();
    const signedIn = new UserAgent(issuer, {}, before.addresses);
    await signedIn.signIn(person);
    const at = async (service: TestService, agent: UserAgent): Promise<boolean> => {
      const moved = new UserAgent(issuer, {}, service.addresses);
      for (const [name, { value }] of agent.cookies) if (!name.includes('|')) moved.plant(name, value);
      const { location = '' } = await moved.begin({ prompt: 'none' });
      return /[?&]code=/.test(location);
    };
    assert.ok(await at(before, signedIn));
    assert.ok(await at(during, signedIn), 'the old key still verifies');
    assert.ok(!(await at(afterwards, signedIn)), 'its time is over');

    // At each step of the change replicas of both kinds serve one sign-in.
    for (const [one, other] of [
      [before, known],
      [known, during],
      [during, afterwards],
    ] as const) {
      const mixed = new UserAgent(issuer, {}, [...one.addresses, ...other.addresses]);
      const pair = `${one.composed.services.keys.cookies.length}${other.composed.services.keys.cookies.length}`;
      const left = await mixed.signIn(await before.addPerson());
      assert.match(left.location ?? pair + JSON.stringify(left), /[?&]code=/);
    }
    // What the overlap signs lasts.
    const third = await before.addPerson();
    const fresh = new UserAgent(issuer, {}, during.addresses);
    await fresh.signIn(third);
    assert.ok(await at(afterwards, fresh));
  } finally {
    await Promise.all([before, known, during, afterwards].map((service) => service.close()));
    await database.drop();
  }
});
