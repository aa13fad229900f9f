import type { AttemptLimit, AttemptStore } from '../attempt-store.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { hashToken, newToken } from '../crypto/random.ts';
import type { AuditEvent, RequestContext } from '../domain/audit-event.ts';
import { foldLogin, longestLogin } from '../domain/login-name.ts';
import { longestPassword, normalisePassword } from '../domain/password-policy.ts';
import type { Lane } from '../domain/throttle.ts';
import type { User } from '../domain/user.ts';
import type { AtOnce } from '../transaction.ts';
import type { InUsersTransaction, UsersStores } from './stores.ts';

export interface PasswordAttempt<Stores = UsersStores> {
  readonly login: string;
  readonly password: string;
  /** The cookie of a browser that completed a sign-in before. */
  readonly knownBrowserToken: string | undefined;
  readonly context: RequestContext;
  /** The caller records that it was right, together with what it does next: one round trip instead of two. */
  readonly recordsItself?: boolean;
  /** What else is read in the round trip that looks the person up. It must change nothing. */
  readonly beside?: ((stores: Stores) => Promise<unknown>) | undefined;
}

export type PasswordOutcome =
  /** `toRecord` is what the caller still has to record, where it said that it would. */
  | { readonly kind: 'right'; readonly user: User; readonly lane: Lane; readonly toRecord: AuditEvent | undefined }
  /** Also for a name nobody has, a disabled account and one without a password. */
  | { readonly kind: 'wrong' }
  | { readonly kind: 'wait'; readonly retryAfterSeconds: number };

export interface CheckPasswordDependencies<Stores extends UsersStores = UsersStores> {
  readonly inTransaction: InUsersTransaction;
  /** For acts of one statement. */
  readonly byOneStatement: InUsersTransaction;
  readonly atOnce: AtOnce<Stores>;
  readonly attempts: AttemptStore;
  readonly hasher: PasswordHasher;
  /** The network an address belongs to: those who share one share a budget. */
  readonly networkOf: (address: string) => string;
}

/** Wrong passwords in a row, from browsers we do not know, after which only known ones and links open the door. */
const closesUnknownDoorAt = 100;

/**
 * Checks the first factor. Wrong passwords slow the guesser down and never lock the account: a known browser has a
 * budget of its own. Every attempt costs one hash, whether the name exists or not, so that time tells nothing.
 */
export function createCheckPassword<Stores extends UsersStores>(dependencies: CheckPasswordDependencies<Stores>) {
  const { inTransaction, byOneStatement, atOnce, attempts, hasher, networkOf } = dependencies;
  return async (attempt: PasswordAttempt<Stores>): Promise<PasswordOutcome> => {
    const { context, beside } = attempt;
    const login = foldLogin(attempt.login.slice(0, longestLogin + 1));
    const password = normalisePassword(attempt.password);
    const token = attempt.knownBrowserToken;
    const find = ({ signInPeople }: UsersStores) => signInPeople.findByLogin(login, token && hashToken(token));
    const found =
      login === ''
        ? undefined
        : await (beside === undefined
            ? byOneStatement(find)
            : atOnce(async (stores) => (await Promise.all([find(stores), beside(stores)]))[0]));
    const { user, isKnownBrowser: known = false, wrongPasswordsInARow: inARow = 0 } = found ?? {};

    // Name and address of one account share its budget; a name nobody has gets one of the same shape.
    const account = user?.id ?? login;
    const browserSubject = known && token !== undefined ? `password-browser:${hashToken(token)}` : undefined;
    // Without the shared counters no password is checked: nothing else bounds the guesses a second.
    const wait = await attempts.charge(budgets(account, browserSubject, networkOf(context.address)));
    if (wait > 0) {
      await record('wait');
      return { kind: 'wait', retryAfterSeconds: wait };
    }
    const checkable = password.length > 0 && Array.from(password).length <= longestPassword;
    const stored = user?.passwordHash;
    const right = checkable && stored ? await hasher.verify(stored, password) : (await hasher.verifyDummy('-'), false);
    const doorClosed = !known && inARow >= closesUnknownDoorAt;
    if (!right || user === undefined || user.disabledAt !== null || doorClosed) {
      if (user !== undefined && !known && !right) await inTransaction(({ users }) => users.countWrongPassword(user.id));
      await record(
        user === undefined ? 'unknown' : user.disabledAt ? 'disabled' : doorClosed ? 'door-closed' : 'wrong',
      );
      return { kind: 'wrong' };
    }
    const dearer = stored && hasher.needsRehash(stored) ? await hasher.hash(password) : undefined;
    const accepted: AuditEvent = {
      type: 'password.accepted',
      actor: user.id,
      target: user.id,
      result: 'success',
      details: { known },
      context,
    };
    const changes = (!known && inARow > 0) || dearer !== undefined;
    const later = attempt.recordsItself === true && !changes;
    if (changes) {
      await inTransaction(async ({ users, audit }) => {
        if (!known && inARow > 0) await users.clearWrongPasswords(user.id);
        await audit.record(accepted);
        if (stored && dearer !== undefined && (await users.replaceHash(user.id, stored, dearer))) {
          await audit.record({
            type: 'password.rehashed',
            actor: user.id,
            target: user.id,
            result: 'success',
            context,
          });
        }
      });
    } else if (!later) await byOneStatement(({ audit }) => audit.record(accepted));
    // The owner's sign-ins are no guesses. What all other browsers share stays: it is not the owner's alone.
    if (browserSubject !== undefined) await attempts.clear(browserSubject).catch(() => undefined);
    return { kind: 'right', user, lane: known ? 'known' : 'other', toRecord: later ? accepted : undefined };

    async function record(reason: string): Promise<void> {
      await inTransaction(({ audit }) =>
        audit.record({
          type: 'password.refused',
          actor: 'anonymous',
          target: user?.id ?? '',
          result: 'failure',
          reason,
          context,
        }),
      );
    }
  };
}

/** A known browser's own budget, or those that all other browsers share: per account, per network. */
function budgets(account: string, browserSubject: string | undefined, network: string): AttemptLimit[] {
  if (browserSubject !== undefined) return [{ subject: browserSubject, burst: 10, refillSeconds: 90 }];
  return [
    // Ten at once, then one every 30 seconds; whoever goes on for longer gets one every five minutes.
    { subject: `password-account:${account}`, burst: 10, refillSeconds: 30 },
    { subject: `password-account-long:${account}`, burst: 30, refillSeconds: 300 },
    { subject: `password-address:${network}`, burst: 50, refillSeconds: 5 },
  ];
}

/** Remembers the browser of a completed sign-in; answers the token for its cookie. */
export function createRememberBrowser(inTransaction: InUsersTransaction) {
  return async (userId: string, userAgent: string, byPasswordAlone = false): Promise<string> => {
    const token = newToken();
    await inTransaction(({ knownBrowsers }) =>
      knownBrowsers.insert(hashToken(token), userId, userAgent, byPasswordAlone),
    );
    return token;
  };
}
