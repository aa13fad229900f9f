import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AnswerMode } from '../../support/conformance-party.ts';
import { happyModules } from './happy-modules.ts';
import { refusalModules } from './refusal-modules.ts';
import { sessionModules } from './session-modules.ts';
import { createWorld, type World } from './world.ts';

/** The 38 modules of the basic plan, each a test under its own name; some at once, for one of them waits half a minute. */
export function runBasicPlan(plan: string, mode: AnswerMode): void {
  describe(plan, { concurrency: 6 }, () => {
    let world: World;
    before(async () => {
      world = await createWorld(mode);
    });
    after(() => world?.service.close());

    const modules = { ...refusalModules, ...sessionModules, ...happyModules };
    assert.equal(Object.keys(modules).length, 38);
    for (const [name, run] of Object.entries(modules)) test(name, () => run(world));
  });
}
