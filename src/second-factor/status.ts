import { isClosed } from '../domain/throttle.ts';
import type { InSecondFactorTransaction, SecondFactorSettings } from './stores.ts';

export interface SecondFactorStatus {
  readonly enabled: boolean;
  /** Whether guessing closed it for the person; a recovery code or an operator opens it. */
  readonly closed: boolean;
  readonly authenticators: readonly {
    readonly id: string;
    readonly label: string;
    readonly type: 'totp';
    readonly createdAt: Date;
    readonly lastUsedAt: Date | null;
    readonly digits: 6 | 8;
  }[];
  readonly recoveryCodesRemaining: number;
  /** How many the present set had. */
  readonly recoveryCodesTotal: number;
  readonly recoveryCodesCreatedAt: Date | null;
}

/** What is enrolled, for the person, the operator and the next step of a sign-in. Never a secret. */
export function createSecondFactorStatus(
  inTransaction: InSecondFactorTransaction,
  settings: Pick<SecondFactorSettings, 'limits'>,
) {
  return (userId: string): Promise<SecondFactorStatus> =>
    inTransaction(async ({ authenticators, recoveryCodes, guards }) => {
      const live = await authenticators.listLive(userId);
      const codes = await recoveryCodes.describeSet(userId);
      return {
        enabled: live.length > 0,
        closed: isClosed(await guards.readGuard(userId), settings.limits),
        authenticators: live.map(({ id, label, createdAt, lastUsedAt, digits }) => ({
          id,
          label,
          type: 'totp' as const,
          createdAt,
          lastUsedAt,
          digits,
        })),
        recoveryCodesRemaining: codes.unused,
        recoveryCodesTotal: codes.total,
        recoveryCodesCreatedAt: codes.createdAt,
      };
    });
}
