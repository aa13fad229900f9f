import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from 'otpauth';
import type { BenchUser } from './relying-party.ts';

const stepSeconds = 30;

/** Makes users who share a password and a secret: what they cost to serve does not depend on either. */
export function makeUsers(count: number): BenchUser[] {
  const secret = new Secret({ buffer: new Uint8Array(randomBytes(20)).buffer }).base32;
  const password = randomBytes(12).toString('base64url');
  return Array.from({ length: count }, (_, index) => ({ username: `bench-${index}`, password, secret }));
}

/** Hands out users in turn, each at most once in a time step: a code that was accepted is never accepted again. */
export function userSupply(users: BenchUser[]): () => Promise<BenchUser> {
  const lastStep = new Map<string, number>();
  let next = 0;
  return async () => {
    for (;;) {
      const step = Math.floor(Date.now() / 1000 / stepSeconds);
      const user = users[next % users.length];
      if (user === undefined) throw new Error('the benchmark has no users');
      // the last two seconds of a step are left out: the server would see the next one
      const late = (Date.now() / 1000) % stepSeconds > stepSeconds - 2;
      if (!late && (lastStep.get(user.username) ?? -1) < step - 1) {
        next += 1;
        lastStep.set(user.username, step);
        return user;
      }
      await sleep(100);
    }
  };
}
