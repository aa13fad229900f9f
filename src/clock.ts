/** Where the service reads the time. Injected, so that a test can move it and no request can. */
export interface Clock {
  now(): Date;
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  epochSeconds(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  epochMilliseconds(): number;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  epochSeconds: () => Math.floor(Date.now() / 1000),
  epochMilliseconds: () => Date.now(),
};
