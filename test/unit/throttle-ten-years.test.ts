import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  challengeLifetimeSeconds,
  daySeconds,
  refusalOf,
  throttleLimits,
  unitProbability,
  type GuardState,
  type Lane,
} from '../../src/domain/throttle.ts';
import { charged, emptyGuard } from '../support/throttle-model.ts';

const found = throttleLimits(1, 6);
if (found === undefined) throw new Error('the default window has limits');
const limits = found;
const years = 10;
const bound = 5e-4;

/** How somebody with the password guesses: how many codes a day, and how long they rest after a wait is announced. */
const attackers = {
  'as fast as it goes': { guessesADay: Infinity },
  'four a day, between the owner’s sign-ins': { guessesADay: 4 },
  'one a day': { guessesADay: 1 },
} as const;

for (const [name, { guessesADay }] of Object.entries(attackers)) {
  test(`B02 B05 ten years of guessing ${name} stay under 0.05 % for every stolen password`, (context) => {
    const random = seeded(20_261_125);
    let guard = emptyGuard();
    const perPassword = [0];
    let ownerHeldUp = 0;
    for (let day = 0; day < years * 365; day += 1) {
      let now = 1_800_000_000 + day * daySeconds;
      // The attacker, in the lane of browsers nobody knows, each challenge abandoned after at most five.
      let tries = 0;
      for (let guessed = 0; guessed < guessesADay;) {
        const challenge = {
          lane: 'other' as const,
          tries,
          units: 0,
          closed: false,
          expiresAt: now + challengeLifetimeSeconds,
        };
        const refusal = refusalOf(guard, challenge, 1, now, limits, false);
        if (refusal?.kind === 'challenge-spent') tries = 0;
        else if (refusal?.kind === 'closed') break;
        else if (refusal?.kind === 'wait') {
          if (now + refusal.retryAfterSeconds >= 1_800_000_000 + (day + 1) * daySeconds) break;
          now += refusal.retryAfterSeconds;
        } else {
          guard = charged(guard, 'other', now);
          perPassword[perPassword.length - 1] = (perPassword.at(-1) ?? 0) + 1;
          guessed += 1;
          tries += 1;
        }
      }
      // The owner, at a browser of theirs or now and then at another, with a slip here and there.
      const lane: Lane = random() < 0.03 ? 'other' : 'known';
      const slips = random() < 0.1 ? 1 + Math.floor(random() * 3) : 0;
      const evening = 1_800_000_000 + day * daySeconds + daySeconds - 1;
      const before = guard;
      let refused = false;
      for (let slip = 0; slip <= slips && !refused; slip += 1) {
        const challenge = { lane, tries: slip, units: slip, closed: false, expiresAt: evening + 60 };
        refused = refusalOf(guard, challenge, 1, evening, limits, false) !== undefined;
        if (!refused && slip < slips) guard = charged(guard, lane, evening);
      }
      if (refused) {
        if (lane === 'known') ownerHeldUp += 1;
        guard = before;
        continue;
      }
      // Accepted: the challenge's own units come back, the lane's row of failures ends; all else stays.
      guard = withoutRow(before, lane);
      if (guard.total >= limits.changePasswordAt) {
        // The sign-in sets a new password; the attacker, at their luckiest, has it the same day.
        guard = emptyGuard();
        perPassword.push(0);
      }
    }
    const probabilities = perPassword.map((units) => units * unitProbability(1, 6));
    const worst = Math.max(...probabilities);
    context.diagnostic(
      `${perPassword.length} passwords stolen in ${years} years; at most ${Math.max(...perPassword)} codes compared for one: ` +
        `${worst.toExponential(2)} of the bound ${bound.toExponential(2)}`,
    );
    assert.ok(worst <= bound);
    assert.ok(Math.max(...perPassword) > 0, 'the attacker did guess');
    assert.equal(ownerHeldUp, 0, 'the owner at a known browser is never held up by the attacker');
  });
}

function withoutRow(guard: GuardState, lane: Lane): GuardState {
  return { ...guard, lanes: { ...guard.lanes, [lane]: { ...guard.lanes[lane], inARow: 0, nextTryAt: null } } };
}

/** The same numbers in every run (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
