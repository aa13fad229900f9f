import { errors } from 'oidc-provider';
import { Fault, InvalidInput } from '../errors.ts';

/** A 503 that the engine shows as such instead of a server error without Retry-After. */
export class TemporarilyUnavailable extends errors.OIDCProviderError {
  constructor(cause: unknown) {
    super(503, 'temporarily_unavailable');
    this.error_description = 'the service cannot answer just now, please try again';
    this.expose = true;
    this.cause = cause;
  }
}

/** What a store answers, with its faults as the engine shows them. */
export async function answered<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault && error.status === 503) throw new TemporarilyUnavailable(error);
    if (error instanceof InvalidInput) throw new errors.InvalidRequest(error.message);
    throw error;
  }
}
