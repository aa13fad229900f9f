import { AsyncLocalStorage } from 'node:async_hooks';
import type { X509Certificate } from 'node:crypto';

/** What the engine's storage has to know of the request it serves; the engine itself does not pass it on. */
export interface RequestOrigin {
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
  /** With which the client proved itself to the trusted proxy in front; `isVerified` against authorities it trusts. */
  readonly certificate?: { readonly certificate: X509Certificate; readonly isVerified: boolean } | undefined;
  /** Within the issuer's prefix. */
  readonly path: string;
  /** Epoch milliseconds at which the request arrived. */
  readonly arrivedAt: number;
}

/** Set around every request by the http door. */
export const requestOrigin = new AsyncLocalStorage<RequestOrigin>();
