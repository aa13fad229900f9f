import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Module, World } from './world.ts';

/** Modules about who is signed in already, and how long ago. */
export const sessionModules: Readonly<Record<string, Module>> = {
  'oidcc-prompt-login': async (world) => {
    const { first, again, pages } = await twice(world, { prompt: 'login' });
    assert.deepEqual(pages, ['password', 'one-time-code'], 'both factors are asked again');
    assert.equal(again.sub, first.sub);
    assert.ok(Number(again['auth_time']) > Number(first['auth_time']));
  },

  'oidcc-prompt-none-not-logged-in': async ({ party, newcomer }) => {
    const { agent } = await newcomer();
    const request = party.request({ prompt: 'none' });
    const parameters = party.readAnswer(await party.open(agent, request), request.get('state'));
    assert.match(parameters.get('error') ?? '', /^(?:login|interaction|account_selection|consent)_required$/);
    assert.equal(parameters.get('code'), null);
  },

  'oidcc-prompt-none-logged-in': async (world) => {
    const { first, again, pages } = await twice(world, { prompt: 'none' });
    assert.deepEqual(pages, [], 'nothing is shown');
    assert.equal(again.sub, first.sub);
    assert.equal(again['auth_time'], first['auth_time']);
  },

  'oidcc-max-age-1': async (world) => {
    const { first, again, pages } = await twice(world, { max_age: '1' });
    assert.deepEqual(pages, ['password', 'one-time-code'], 'both factors are asked again');
    assert.equal(again.sub, first.sub);
    assert.ok(Number(again['auth_time']) > Number(first['auth_time']));
  },

  'oidcc-max-age-10000': async (world) => {
    const { first, again, pages } = await twice(world, { max_age: '10000' });
    assert.deepEqual(pages, []);
    assert.ok(Number(again['auth_time']) > 0, 'it was asked for');
    assert.equal(again['auth_time'], first['auth_time']);
  },

  'oidcc-id-token-hint': async ({ party, newcomer }) => {
    const { person, agent } = await newcomer();
    const { idToken, claims } = await party.tokensOf(await party.authorize(agent, person));
    const hinted = await party.authorize(agent, person, { prompt: 'none', id_token_hint: idToken });
    assert.deepEqual(hinted.pages, []);
    assert.equal((await party.tokensOf(hinted)).claims.sub, claims.sub);
  },
};

/** Two requests in one browser, more than a second apart. */
async function twice({ party, newcomer }: World, changes: Record<string, string>) {
  const { person, agent } = await newcomer();
  const { claims: first } = await party.tokensOf(await party.authorize(agent, person));
  await sleep(2100);
  const second = await party.authorize(agent, person, changes, 1);
  const { claims: again } = await party.tokensOf(second);
  return { first, again, pages: second.pages };
}
