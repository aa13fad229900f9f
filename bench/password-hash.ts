import { hash, verify } from '@node-rs/argon2';

const memoryKibibytes = 8192;
const iterations = 1;

/**
 * The least the settings admit. The hash is taken off both sides of the comparison, and what is taken off should be small
 * beside what remains; its cost in production is chosen by the operator and the same whatever the server around it costs.
 */
export const hashSettings = {
  TWOFOLD_HASH_MEMORY_KIB: String(memoryKibibytes),
  TWOFOLD_HASH_ITERATIONS: String(iterations),
};

/** A stored hash of the password at that cost. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { memoryCost: memoryKibibytes, timeCost: iterations, parallelism: 1 });
}

/** CPU milliseconds of one verification, measured over `count` of them, two at a time as the service runs them. */
export async function hashCpuMilliseconds(stored: string, password: string, count: number): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < count; done += 2) await Promise.all([verify(stored, password), verify(stored, password)]);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (2 * Math.ceil(count / 2));
}
