/** A `node:diagnostics_channel` on which every failed call to a store is told, as `{ store: 'postgresql' | 'redis' }`. */
export const storeFaultChannel = 'twofold.store-fault';

/**
 * A fault: something that keeps the service from answering as asked. Expected outcomes (a wrong code, a spent link) are
 * not faults; they are values with a `kind`.
 */
export class Fault extends Error {
  /** Stable, for programs and translations. */
  readonly code: string;
  /** The HTTP status a surface answers with. */
  readonly status: number;
  /** Seconds after which another try makes sense, where that is known. */
  readonly retryAfterSeconds: number | undefined;
  /** The offending field of the request, where there is one. */
  readonly field: string | undefined;

  constructor(
    code: string,
    status: number,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number; field?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.field = options.field;
  }
}

/** The machine has more to do than it can finish in time; nothing was done. */
export class ServiceBusy extends Fault {
  constructor(message = 'too much work is waiting') {
    super('busy', 503, message, { retryAfterSeconds: 2 });
  }
}

/** A database or Redis did not answer in time; whatever was asked is treated as refused. */
export class StoreUnavailable extends Fault {
  constructor(message: string, cause?: unknown) {
    super('store_unavailable', 503, message, { cause, retryAfterSeconds: 2 });
  }
}

export class NotFound extends Fault {
  constructor(message = 'not found') {
    super('not_found', 404, message);
  }
}

/** The state of the thing does not allow the act, or somebody else was first. */
export class Conflict extends Fault {
  constructor(code: string, message: string, field?: string) {
    super(code, 409, message, field === undefined ? {} : { field });
  }
}

/** The request itself is wrong; `field` names what. */
export class InvalidInput extends Fault {
  constructor(field: string, message: string, code = 'invalid_input') {
    super(code, 400, message, { field });
  }
}

/** Who asks may not do this. */
export class Forbidden extends Fault {
  constructor(code: string, message: string) {
    super(code, 403, message);
  }
}

/** Something the operator must put right before the service can run; shown as one line. */
export class SetupFault extends Fault {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, 500, message, { cause });
  }
}
