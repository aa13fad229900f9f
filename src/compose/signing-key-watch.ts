import type { LoadedSigningKeys, ManageSigningKeys } from '../provider/manage-signing-keys.ts';
import type { Logger } from '../logger.ts';

/** Far below the minute within which every replica must have dropped a revoked key. */
const looksEveryMilliseconds = 15_000;

export interface SigningKeyWatch {
  start(): void;
  /** Looks now; answers once this replica serves the keys as they are. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** Moves the keys on by their schedule, and has the engine built anew when this or another replica changed them. */
export function createSigningKeyWatch(
  keys: ManageSigningKeys,
  first: LoadedSigningKeys,
  rebuild: (loaded: LoadedSigningKeys) => void,
  logger: Logger,
): SigningKeyWatch {
  let fingerprint = first.fingerprint;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const loaded = await keys.advance();
    if (loaded.fingerprint === fingerprint) return;
    rebuild(loaded);
    fingerprint = loaded.fingerprint;
    logger.info({ keys: loaded.fingerprint }, 'the signing keys changed');
  };
  const lookQuietly = (): void => {
    looking = look().catch((err: unknown) => logger.error({ err }, 'the signing keys could not be looked at'));
  };
  return {
    start() {
      timer = setInterval(lookQuietly, looksEveryMilliseconds).unref();
    },
    look,
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
