import { hashCpuMilliseconds } from './password-hash.ts';
import { refresh, signIn, type BenchUser } from './relying-party.ts';
import { evaluate, type Comparison, type Result } from './report.ts';
import { runSlice, type Operation, type Slice } from './slices.ts';
import { median } from './statistics.ts';
import type { Target } from './targets.ts';
import { userSupply } from './users.ts';

export interface Plan {
  rounds: number;
  sliceMilliseconds: number;
  workers: number;
  operations: string[];
}

/** Of each operation on each side, before anything counts: by then both run compiled code, whichever is the faster. */
const warmUpOperations = 300;

/**
 * Measures each operation of the plan on both sides in turns. Both verify the same password hash; what one costs by
 * itself is measured in the same rounds and taken off the sign-ins of both.
 */
export async function compare(
  bare: Target,
  ours: Target,
  users: BenchUser[],
  storedHash: string,
  plan: Plan,
  progress: (message: string) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const operation of plan.operations) {
    progress(`measuring ${operation}: ${plan.rounds} rounds`);
    const make = operationNamed(operation);
    const operations: [Operation, Operation] = [
      await make(bare, userSupply(users), plan.workers),
      await make(ours, userSupply(users), plan.workers),
    ];
    const password = operation === 'sign-in' ? users[0]?.password : undefined;
    const measured = await inTurns([bare, ours], operations, plan, () =>
      password === undefined ? Promise.resolve(0) : hashCpuMilliseconds(storedHash, password, 8),
    );
    results.push(evaluate({ operation, ...measured }));
  }
  return results;
}

async function inTurns(
  [bare, ours]: [Target, Target],
  [bareOperation, ourOperation]: [Operation, Operation],
  { rounds, sliceMilliseconds, workers }: Plan,
  measureHash: () => Promise<number>,
): Promise<Omit<Comparison, 'operation'>> {
  const slices = { bare: [] as Slice[], ours: [] as Slice[] };
  const hashes: number[] = [];
  const bareSlice = (): Promise<Slice> => runSlice(bare, bareOperation, sliceMilliseconds, workers);
  const ourSlice = (): Promise<Slice> => runSlice(ours, ourOperation, sliceMilliseconds, workers);
  for (const warmUp of [bareSlice, ourSlice]) {
    for (let done = 0; done < warmUpOperations;) done += (await warmUp()).operations;
  }
  for (let round = 0; round < rounds; round += 1) {
    // who begins changes from round to round, so that a drift of the machine favours nobody
    const bareBegins = round % 2 === 0;
    const one = await (bareBegins ? bareSlice() : ourSlice());
    const hash = await measureHash();
    const other = await (bareBegins ? ourSlice() : bareSlice());
    slices.bare.push(bareBegins ? one : other);
    slices.ours.push(bareBegins ? other : one);
    hashes.push(hash);
  }
  return { ...slices, hashMilliseconds: median(hashes) };
}

type MakeOperation = (target: Target, nextUser: () => Promise<BenchUser>, workers: number) => Promise<Operation>;

function operationNamed(name: string): MakeOperation {
  if (name === 'sign-in') {
    return (target, nextUser) => Promise.resolve(async () => signIn(target.endpoints, await nextUser(), 'openid'));
  }
  if (name === 'refresh') return makeRefreshOperation;
  throw new Error(`no such operation: ${name}`);
}

/** Each worker holds a refresh token of its own, or what took its place where the provider rotates. */
async function makeRefreshOperation(
  target: Target,
  nextUser: () => Promise<BenchUser>,
  workers: number,
): Promise<Operation> {
  const current: string[] = [];
  for (let worker = 0; worker < workers; worker += 1) {
    const { refreshToken } = await signIn(target.endpoints, await nextUser(), 'openid offline_access');
    current.push(required(refreshToken));
  }
  return async (worker) => {
    const { refreshToken } = await refresh(target.endpoints, required(current[worker]));
    current[worker] = required(refreshToken);
  };
}

function required(token: string | undefined): string {
  if (token === undefined) throw new Error('no refresh token came');
  return token;
}
