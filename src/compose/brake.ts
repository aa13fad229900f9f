import type { Clock } from '../clock.ts';
import { serviceContext, type AuditEvent } from '../domain/audit-event.ts';
import { isSurge } from '../domain/throttle.ts';
import type { Logger } from '../logger.ts';

export interface BrakeDependencies {
  readonly count: () => Promise<{ readonly failed: number; readonly accepted: number }>;
  readonly record: (event: AuditEvent) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const looksEveryMilliseconds = 15_000;

/**
 * Whether many accounts are being guessed at just now; looked up now and then, since it changes slowly. Each replica
 * decides by the same shared rows, and records the turn it took.
 */
export function createBrake({ count, record, clock, logger }: BrakeDependencies): () => Promise<boolean> {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let braked = false;
  return async () => {
    if (clock.epochMilliseconds() - lookedAt < looksEveryMilliseconds) return braked;
    lookedAt = clock.epochMilliseconds();
    const counted = await count();
    const now = isSurge(counted);
    if (now === braked) return braked;
    braked = now;
    if (now) logger.error({ alarm: 'codes_guessed' }, 'codes are guessed at many accounts: the brake is on');
    await record({
      type: now ? 'brake.applied' : 'brake.released',
      actor: 'service',
      target: '',
      result: 'success',
      details: { count: counted.failed },
      context: serviceContext,
    });
    return braked;
  };
}
