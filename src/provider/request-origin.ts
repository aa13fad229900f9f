import { AsyncLocalStorage } from 'node:async_hooks';

/** What the engine's storage has to know of the request it serves; the engine itself does not pass it on. */
export interface RequestOrigin {
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
  /** Within the issuer's prefix. */
  readonly path: string;
  /** Epoch milliseconds at which the request arrived. */
  readonly arrivedAt: number;
}

/** Set around every request by the http door. */
export const requestOrigin = new AsyncLocalStorage<RequestOrigin>();
