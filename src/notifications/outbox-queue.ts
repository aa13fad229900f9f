import type { OutboxItem } from './delivery.ts';

export interface ClaimedItem {
  readonly item: OutboxItem;
  /** Stands for this one try; what was claimed again meanwhile no longer heeds it. */
  readonly claimId: string;
}

export type Settlement =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly afterSeconds: number }
  | { readonly kind: 'failed' };

/** The outbox as whoever empties it sees it. */
export interface OutboxQueue {
  /**
   * Takes due items of these channels, oldest first, for `seconds`: no other caller gets them in that time, and after it,
   * should this one have died, somebody does.
   */
  claim(channels: readonly OutboxItem['channel'][], most: number, seconds: number): Promise<ClaimedItem[]>;
  /** Records the try and what follows from it. A delivered or failed item keeps no secret. */
  settle(claimed: ClaimedItem, settlement: Settlement, attempt: { error?: string; status?: number }): Promise<void>;
}
