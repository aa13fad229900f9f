import { hash, verify } from '@node-rs/argon2';

/** The cost of the service's default password hash. */
export const hashOptions = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A stored hash of the password at the default cost. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, hashOptions);
}

/** CPU milliseconds of one verification, measured over `count` of them, two at a time as the service runs them. */
export async function hashCpuMilliseconds(stored: string, password: string, count: number): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < count; done += 2) await Promise.all([verify(stored, password), verify(stored, password)]);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (2 * Math.ceil(count / 2));
}
