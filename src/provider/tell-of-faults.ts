import type { EventEmitter } from 'node:events';
import type { Provider } from 'oidc-provider';
import { requestOrigin } from './request-origin.ts';

/** Told of a fault of ours within the engine, which hides it behind a page, and of the request it failed. */
export type OnFault = (error: Error, requestId: string | undefined) => void;

/** The engine tells of its faults by events alone. */
export function tellOfFaults(provider: Provider, onFault: OnFault): void {
  const tell = (error: Error): void => onFault(error, requestOrigin.getStore()?.requestId);
  provider.on('server_error', (_ctx, error) => tell(error));
  // What fails outside its handlers; a refusal that the client is told is no fault.
  (provider as EventEmitter).on('error', (error: Error & { expose?: boolean }) => {
    if (error.expose !== true) tell(error);
  });
}
