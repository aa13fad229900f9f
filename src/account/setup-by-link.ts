import type { Clock } from '../clock.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { hashToken, newBytes, newId } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { isEmailAddress, isUsername } from '../domain/login-name.ts';
import { judgePassword, normalisePassword } from '../domain/password-policy.ts';
import { checkOneTimeCode, normaliseOneTimeCode } from '../domain/totp.ts';
import { Conflict, Fault } from '../errors.ts';
import type { EnrolmentShown, FormError } from '../http/page-parts.ts';
import { showSecret } from '../second-factor/enrol-authenticator.ts';
import { newRecoveryCodeSet } from '../second-factor/recovery-code-set.ts';
import { secretContext } from '../second-factor/secret-context.ts';
import type { SecondFactorSettings, SecondFactorStores } from '../second-factor/stores.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import type { InTransaction } from '../transaction.ts';
import type { Link, LinkPurpose } from '../users/link-store.ts';
import type { PasswordSettings } from '../users/set-password.ts';
import type { UsersStores } from '../users/stores.ts';

export interface SetupDependencies {
  readonly inTransaction: InTransaction<UsersStores & SecondFactorStores>;
  readonly records: ShortLivedRecords;
  readonly secretBox: SecretBox;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly secondFactor: SecondFactorSettings;
  readonly passwords: PasswordSettings;
}

/** A link that was opened, and the authenticator that is offered with it. Nothing of it is stored in the account. */
export interface OpenedSetup {
  readonly link: Link;
  readonly accountName: string;
  readonly enrolment: EnrolmentShown;
}

export interface SetupRequest {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly code: string;
}

export type SetupOutcome =
  | { readonly kind: 'done'; readonly accountName: string; readonly recoveryCodes: readonly string[] }
  | { readonly kind: 'refused'; readonly error: FormError };

/** Links that set password and authenticator in one act; whoever opens one signs in afterwards like everyone else. */
export const setupPurposes: readonly LinkPurpose[] = ['first-operator', 'activation', 'recovery'];

const recordKind = 'setup';
const tryKind = 'setup-try';
const mostTries = 10;
const lifetimeSeconds = 900;

interface Draft {
  readonly id: string;
  readonly secret: string;
}

/** Sets up an account by a single-use link: the person's password and first authenticator, or the first operator. */
export function createSetupByLink(dependencies: SetupDependencies) {
  const { inTransaction, records, secretBox, hasher, clock, secondFactor, passwords } = dependencies;

  async function peek(token: string): Promise<Link> {
    const link = await inTransaction(({ links }) => links.peek(hashToken(token), setupPurposes));
    if (link === undefined) throw new Fault('link_used', 410, 'this link was used before or has expired');
    return link;
  }

  async function open(token: string): Promise<OpenedSetup> {
    const link = await peek(token);
    const user = link.userId === null ? undefined : await inTransaction(({ users }) => users.find(link.userId ?? ''));
    const draft = await draftOf(token);
    const accountName = user?.email ?? user?.username ?? secondFactor.issuerName;
    const enrolment = showSecret(parametersOf(draft), secondFactor.issuerName, accountName);
    return { link, accountName: user?.username ?? '', enrolment };
  }

  async function complete(token: string, request: SetupRequest, context: RequestContext): Promise<SetupOutcome> {
    const link = await peek(token);
    const existing =
      link.userId === null ? undefined : await inTransaction(({ users }) => users.find(link.userId ?? ''));
    const username = existing?.username ?? request.username.trim();
    const email = existing === undefined ? request.email.trim() || null : existing.email;
    if (existing === undefined && !isUsername(username))
      return refused({ code: 'username-invalid', field: 'username' });
    if (existing === undefined && email !== null && !isEmailAddress(email)) {
      return refused({ code: 'email-invalid', field: 'email' });
    }
    const verdict = judgePassword(request.password, {
      withSecondFactor: true,
      isCommon: passwords.isCommon,
      contextWords: [...passwords.contextWords, username, email ?? ''],
    });
    if (verdict.kind === 'too-short') {
      return refused({ code: 'password-too-short', field: 'password', values: { least: verdict.least } });
    }
    if (verdict.kind === 'too-long') {
      return refused({ code: 'password-too-long', field: 'password', values: { most: verdict.most } });
    }
    if (verdict.kind === 'common') return refused({ code: 'password-common', field: 'password' });

    // What is compared was shown before: a secret that became void meanwhile is replaced only where it is shown.
    const draft = await readDraft(token);
    const triesLeft = draft && (await chargeTry(draft));
    if (draft === undefined || triesLeft === undefined) {
      await records.remove(recordKind, token);
      return refused({ code: 'enrolment-void' });
    }
    const parameters = parametersOf(draft);
    const code = normaliseOneTimeCode(request.code, parameters.digits);
    const check =
      code === undefined
        ? undefined
        : checkOneTimeCode({
            parameters,
            code,
            driftSteps: 0,
            lastStep: -1,
            nowSeconds: clock.epochSeconds(),
            windowSteps: secondFactor.windowSteps,
          });
    if (check?.kind !== 'match') {
      return refused({ code: 'wrong-enrolment-code', field: 'code', values: { triesLeft } });
    }
    const [passwordHash, codes] = await Promise.all([
      hasher.hash(normalisePassword(request.password)),
      newRecoveryCodeSet(hasher),
    ]);
    try {
      await inTransaction(async (stores) => {
        const used = await stores.links.use(hashToken(token), setupPurposes);
        if (used === undefined) throw new Fault('link_used', 410, 'this link was used before or has expired');
        const userId = existing?.id ?? newId();
        if (existing === undefined) {
          // Two of these links at once make one operator: whoever comes second finds one there.
          if ((await stores.users.countOperators()) > 0) throw new Fault('link_used', 410, 'there is an operator');
          const roles = ['operator' as const];
          const operator = { id: userId, username, email, emailVerified: false, passwordHash, roles };
          await stores.users.insert({ ...operator, claims: {}, locale: null });
        } else {
          await stores.users.setPassword(userId, passwordHash);
          await stores.links.voidAll(userId);
          await stores.knownBrowsers.forgetAll(userId);
          await stores.endSessions(userId);
          await stores.authenticators.removeAll(userId, 'recovery');
        }
        const secretSealed = secretBox.seal(parameters.secret, secretContext({ id: draft.id, userId }));
        const { algorithm, digits, periodSeconds } = parameters;
        const authenticator = {
          id: draft.id,
          userId,
          label: 'Authenticator app',
          secretSealed,
          algorithm,
          digits,
          periodSeconds,
        };
        await stores.authenticators.insertLive(authenticator, check.timeStep);
        await stores.recoveryCodes.replace(userId, codes.stored);
        await stores.guards.clear(userId);
        const event = { actor: userId, target: userId, result: 'success' as const, context };
        if (existing === undefined)
          await stores.audit.record({ ...event, type: 'user.created', reason: 'first-operator' });
        await stores.audit.record({ ...event, type: 'link.used', reason: link.purpose });
        await stores.audit.record({ ...event, type: 'enrolment.confirmed', details: { authenticator: draft.id } });
        await stores.outbox.enqueue({ kind: 'authenticator-added', userId, context });
      });
    } catch (error) {
      if (error instanceof Conflict) return refused({ code: 'username-taken', field: 'username' });
      throw error;
    }
    await records.remove(recordKind, token);
    return { kind: 'done', accountName: username, recoveryCodes: codes.display };
  }

  async function readDraft(token: string): Promise<Draft | undefined> {
    const stored = await records.read(recordKind, token);
    return stored === undefined
      ? undefined
      : (JSON.parse(secretBox.open(stored, contextOf(token)).toString('utf8')) as Draft);
  }

  async function draftOf(token: string): Promise<Draft> {
    const known = await readDraft(token);
    if (known !== undefined) return known;
    const draft = { id: newId(), secret: newBytes(20).toString('base64') };
    const sealed = secretBox.seal(Buffer.from(JSON.stringify(draft)), contextOf(token));
    // Of two who open a link at once both are shown the same secret.
    return (await records.create(recordKind, token, sealed, lifetimeSeconds)) ? draft : draftOf(token);
  }

  /** Takes one of the tries of a draft, each of them once; answers how many are left, undefined where none was. */
  async function chargeTry(draft: Draft): Promise<number | undefined> {
    for (let triesLeft = mostTries - 1; triesLeft >= 0; triesLeft--) {
      if (await records.create(tryKind, `${draft.id}:${triesLeft}`, '1', lifetimeSeconds)) return triesLeft;
    }
    return undefined;
  }

  function parametersOf(draft: Draft) {
    const { digits, periodSeconds } = secondFactor;
    return { secret: Buffer.from(draft.secret, 'base64'), algorithm: 'SHA1' as const, digits, periodSeconds };
  }

  return { open, complete };
}

function refused(error: FormError): SetupOutcome {
  return { kind: 'refused', error };
}

function contextOf(token: string) {
  return { table: recordKind, column: 'draft', owner: '', row: hashToken(token) };
}
