import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

const byName = (a: string, b: string): number => a.localeCompare(b, 'en');

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`signing keys on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape, { replicas: 2 });
    });
    after(() => service.close());

    const keys = () => service.composed.services.manageSigningKeys;
    const lookEverywhere = () => Promise.all(service.replicas.map((replica) => replica.lookAtSigningKeys()));
    const publishedAt = async (address: string): Promise<JSONWebKeySet> =>
      (await (await fetch(`${address}/jwks`)).json()) as JSONWebKeySet;
    const published = async (): Promise<JSONWebKeySet> => {
      const sets = await Promise.all(service.addresses.map(publishedAt));
      for (const set of sets)
        assert.deepEqual(kidsOf(set).toSorted(byName), kidsOf(sets[0]).toSorted(byName), 'replicas agree');
      return sets[0] ?? { keys: [] };
    };
    const kidsOf = (set: JSONWebKeySet | undefined): string[] => (set?.keys ?? []).map(({ kid }) => kid ?? '');
    async function idToken(): Promise<string> {
      const agent = new UserAgent(service.issuer);
      return (await agent.redeem(await agent.signIn(await service.addPerson()))).id_token;
    }
    /** As long ago as this is all that was done to the keys, now. */
    async function letPass(interval: string): Promise<void> {
      const { kysely } = service.composed.services.database;
      await sql`
        update signing_keys set published_at = published_at - ${interval}::interval,
          activated_at = activated_at - ${interval}::interval`.execute(kysely);
    }
    const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';

    test('K16 only public parts are published, with one key of each algorithm, cacheable for five minutes', async () => {
      const response = await fetch(`${service.issuer}/jwks`);
      assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
      const { keys: list } = (await response.json()) as JSONWebKeySet;
      assert.deepEqual(list.map(({ alg }) => alg ?? '').toSorted(byName), ['EdDSA', 'ES256', 'RS256']);
      for (const key of list) for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(part in key), part);
      for (const key of await keys().list()) assert.ok(!('privateSealed' in key) && !('d' in key.publicJwk));
    });

    test('L20 K16 a rotated key is known to caches before it signs, and tokens in flight still verify', async () => {
      const old = await idToken();
      const cached = await published();
      const waiting = await keys().rotate('test', testContext, 'RS256');
      assert.equal(waiting.length, 1);
      const kid = waiting[0]?.kid ?? '';
      assert.deepEqual(await keys().rotate('test', testContext, 'RS256'), waiting, 'one waits already');
      await lookEverywhere();
      assert.ok(kidsOf(await published()).includes(kid));
      assert.equal(kidOf(await idToken()), kidOf(old), 'the old key still signs');
      assert.ok(!kidsOf(cached).includes(kid));
      await letPass('1 day');
      await lookEverywhere();
      const fresh = await idToken();
      assert.equal(kidOf(fresh), kid);
      const now = await published();
      assert.ok(kidsOf(now).includes(kidOf(old)), 'the retired key still verifies');
      await jwtVerify(fresh, createLocalJWKSet(now), { issuer: service.issuer });
      await jwtVerify(old, createLocalJWKSet(now));
      const query = new URLSearchParams({ id_token_hint: old, post_logout_redirect_uri: 'https://rp.example/' });
      assert.equal((await fetch(`${service.issuer}/logout?${query.toString()}`, { redirect: 'manual' })).status, 200);
    });

    test('K16 a revoked key is gone from every replica, another signs at once, and the record says so', async () => {
      const old = await idToken();
      await keys().revoke(kidOf(old), 'it leaked', 'test', testContext);
      await lookEverywhere();
      const now = await published();
      assert.ok(!kidsOf(now).includes(kidOf(old)));
      const fresh = await idToken();
      assert.notEqual(kidOf(fresh), kidOf(old));
      await jwtVerify(fresh, createLocalJWKSet(now));
      const query = new URLSearchParams({ id_token_hint: old });
      assert.equal((await fetch(`${service.issuer}/logout?${query.toString()}`)).status, 400);
      await assert.rejects(keys().revoke(kidOf(old), 'again', 'test', testContext), { code: 'key_revoked' });
      const events = await service.composed.services.database.kysely
        .selectFrom('audit_events')
        .select(['type', 'reason'])
        .where('target', '=', `signing-key:${kidOf(old)}`)
        .where('type', '=', 'signing-key.revoked')
        .execute();
      assert.deepEqual(events, [{ type: 'signing-key.revoked', reason: 'it leaked' }]);
    });

    test('L20 the schedule alone publishes and activates a successor, made once by all replicas', async () => {
      const before = (await keys().list()).filter(({ state }) => state === 'active');
      await letPass('91 days');
      await lookEverywhere();
      await lookEverywhere();
      const after = await keys().list();
      assert.equal(after.filter(({ state }) => state === 'published').length, 3);
      assert.deepEqual(
        after
          .filter(({ state }) => state === 'active')
          .map(({ kid }) => kid)
          .toSorted(byName),
        before.map(({ kid }) => kid).toSorted(byName),
      );
      await letPass('1 day');
      await lookEverywhere();
      await lookEverywhere();
      assert.equal((await keys().list()).filter(({ state }) => state === 'active').length, 3);
      const retired = (await keys().list()).filter(({ state }) => state === 'retired').map(({ kid }) => kid);
      for (const { kid } of before) assert.ok(retired.includes(kid), 'it still verifies');
    });
  });
}
