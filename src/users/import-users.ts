import { newId } from '../crypto/random.ts';
import type { AuditDetails, AuditEvent, RequestContext } from '../domain/audit-event.ts';
import { foldLogin } from '../domain/login-name.ts';
import type { User } from '../domain/user.ts';
import { Conflict } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { inBatches } from './batches.ts';
import type { ImportedAuthenticator, ImportedPerson, ImportedRecoveryCodes, ImportStore } from './import-store.ts';
import { readImportedLine, type ImportLine } from './read-imported-line.ts';
import type { UsersStores } from './stores.ts';

export interface ImportStores extends UsersStores {
  readonly imports: ImportStore;
  /** Replaces what the person has. */
  readonly putImportedFactor: (
    userId: string,
    authenticators: readonly ImportedAuthenticator[],
    recoveryCodes: ImportedRecoveryCodes | undefined,
  ) => Promise<void>;
}

/** What became of one line. */
export interface ImportedLine {
  readonly line: number;
  readonly username: string | null;
  /** `skipped`: an import that goes on after an interruption met somebody who is there. */
  readonly result: 'created' | 'updated' | 'refused' | 'skipped';
  readonly reason?: string;
}

export interface ImportSettings {
  /** The number of the first line that is given, where earlier ones were taken in before. */
  readonly firstLine?: number;
  /** Somebody who is there was taken in before the interruption, and is no fault. */
  readonly skipExisting?: boolean;
}

/** Fewer cost more commits; more would pass the 65,535 parameters of a statement where each brings fifty codes. */
const linesATransaction = 200;
/** Whoever sends a line and waits for its answer waits no longer than this. */
const patienceMilliseconds = 50;

/** A line that can be taken in. */
interface Candidate {
  readonly line: number;
  readonly value: ImportLine;
  readonly authenticators: readonly ImportedAuthenticator[];
}

interface Act {
  readonly actor: string;
  readonly context: RequestContext;
  readonly skipExisting: boolean;
}

type Outcome = Pick<ImportedLine, 'result' | 'reason'>;

/**
 * Imports people from NDJSON, one a line: a line is taken whole or refused with the reason, and the others go on. Many
 * lines are committed together, and each alone where one of them collides with a writer beside; what was yielded is
 * committed. Memory is that of one batch: no more is read than was worked on. Hashes and secrets are taken as they are:
 * people keep their password, their authenticator and their unused recovery codes. Recorded as begun and as ended.
 */
export function createImportUsers(inTransaction: InTransaction<ImportStores>) {
  return async function* importUsers(
    lines: AsyncIterable<string>,
    fernetKeys: readonly string[],
    actor: string,
    context: RequestContext,
    { firstLine = 1, skipExisting = false }: ImportSettings = {},
  ): AsyncGenerator<ImportedLine, void, void> {
    const act: Act = { actor, context, skipExisting };
    const counts = { count: 0, succeeded: 0, failed: 0 };
    const record = (type: 'import.started' | 'import.completed', result: AuditEvent['result'], details: AuditDetails) =>
      inTransaction(({ audit }) => audit.record({ type, actor, target: '', result, details, context }));
    await record('import.started', 'success', {});
    let line = firstLine - 1;
    let isWhole = false;
    try {
      for await (const texts of inBatches(lines, linesATransaction, patienceMilliseconds)) {
        const results: ImportedLine[] = [];
        const candidates: Candidate[] = [];
        for (const text of texts) {
          line += 1;
          if (text.trim() === '') continue;
          const read = readImportedLine(text, fernetKeys);
          if (read.kind === 'read') candidates.push({ line, value: read.value, authenticators: read.authenticators });
          else results.push({ line, username: read.username, result: 'refused', reason: read.reason });
        }
        for (const part of withoutRepeats(candidates)) results.push(...(await take(part, act)));
        for (const result of results.sort((a, b) => a.line - b.line)) {
          counts.count += 1;
          counts[result.result === 'refused' ? 'failed' : 'succeeded'] += 1;
          yield result;
        }
      }
      isWhole = true;
    } finally {
      await record('import.completed', isWhole ? 'success' : 'failure', counts).catch((error: unknown) => {
        // What ended it early is the fault to tell of.
        if (isWhole) throw error;
      });
    }
  };

  /** Takes lines in together, or one by one where a writer beside took a name of theirs meanwhile. */
  async function take(candidates: readonly Candidate[], act: Act): Promise<ImportedLine[]> {
    try {
      const outcomes = await inTransaction((stores) => put(stores, candidates, act));
      return outcomes.map((outcome, at) => ({ ...lineOf(candidates[at]), ...outcome }));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const [only] = candidates;
      if (candidates.length === 1 && only !== undefined) {
        return [{ ...lineOf(only), result: 'refused', reason: error.message }];
      }
      const each: ImportedLine[] = [];
      for (const candidate of candidates) each.push(...(await take([candidate], act)));
      return each;
    }
  }
}

function lineOf(candidate: Candidate | undefined): Pick<ImportedLine, 'line' | 'username'> {
  return { line: candidate?.line ?? 0, username: candidate?.value.username ?? null };
}

/** Names of one part are met once: a second line about somebody finds what the first left. */
function* withoutRepeats(candidates: readonly Candidate[]): Generator<Candidate[]> {
  let part: Candidate[] = [];
  let met = new Set<string>();
  for (const candidate of candidates) {
    const names = namesOf(candidate.value);
    if (names.some((name) => met.has(name))) {
      yield part;
      [part, met] = [[], new Set()];
    }
    part.push(candidate);
    for (const name of names) met.add(name);
  }
  if (part.length > 0) yield part;
}

function namesOf({ username, email }: ImportLine): string[] {
  return email == null ? [foldLogin(username)] : [foldLogin(username), foldLogin(email)];
}

async function put(stores: ImportStores, candidates: readonly Candidate[], act: Act): Promise<Outcome[]> {
  const { actor, context } = act;
  const taken = await stores.imports.findTaken(candidates.flatMap(({ value }) => namesOf(value)));
  const outcomes: Outcome[] = [];
  const people: ImportedPerson[] = [];
  const events: AuditEvent[] = [];
  for (const { value, authenticators } of candidates) {
    const existing = taken.get(foldLogin(value.username));
    const holder = value.email == null ? undefined : taken.get(foldLogin(value.email));
    const refusal = refusalOf(value, existing, holder, act);
    if (refusal !== undefined) {
      outcomes.push(refusal);
      continue;
    }
    const id = existing?.id ?? newId();
    if (existing === undefined) people.push(personOf(id, value, authenticators));
    else await update(stores, existing, value, authenticators);
    const details = {
      authenticators: authenticators.length,
      recoveryCodes: (value.recovery_codes?.hashes.length ?? 0) > 0,
    };
    events.push({ type: 'user.imported', actor, target: id, result: 'success', details, context });
    outcomes.push({ result: existing === undefined ? 'created' : 'updated' });
  }
  if (people.length > 0) await stores.imports.insertAll(people);
  if (events.length > 0) await stores.audit.recordAll(events);
  return outcomes;
}

function refusalOf(
  value: ImportLine,
  existing: User | undefined,
  holder: User | undefined,
  { skipExisting }: Act,
): Outcome | undefined {
  if (existing !== undefined) {
    if (skipExisting && value.update !== true) return { result: 'skipped' };
    if (value.update !== true) {
      return { result: 'refused', reason: 'username: there is such a user; set "update": true to replace what it has' };
    }
    if (foldLogin(existing.username) !== foldLogin(value.username)) {
      return { result: 'refused', reason: 'username: this is the address of another user' };
    }
    // Whoever may import people must not thereby become an operator.
    if (existing.roles.length > 0) {
      return { result: 'refused', reason: 'username: holds a role; an import replaces nothing of such a user' };
    }
  }
  if (holder !== undefined && holder.id !== existing?.id) {
    return { result: 'refused', reason: 'email: this is the name or address of another user' };
  }
  return undefined;
}

function personOf(id: string, value: ImportLine, authenticators: Candidate['authenticators']): ImportedPerson {
  const user = {
    id,
    username: value.username,
    email: value.email ?? null,
    emailVerified: value.email_verified ?? false,
    passwordHash: value.password_hash ?? null,
    roles: [],
    claims: value.claims ?? {},
    locale: null,
  };
  return { user, authenticators, recoveryCodes: value.recovery_codes };
}

/** Replaces what the line tells of; what it leaves out stays. */
async function update(
  stores: ImportStores,
  { id }: User,
  value: ImportLine,
  authenticators: Candidate['authenticators'],
): Promise<void> {
  const change = {
    ...(value.email !== undefined && { email: value.email }),
    ...(value.email_verified !== undefined && { emailVerified: value.email_verified }),
    ...(value.claims !== undefined && { claims: value.claims }),
  };
  if (Object.keys(change).length > 0) await stores.users.update(id, change, undefined);
  const bringsFactor = value.totp !== undefined || value.recovery_codes !== undefined;
  if (value.password_hash != null) await stores.users.setPassword(id, value.password_hash);
  if (bringsFactor) await stores.putImportedFactor(id, authenticators, value.recovery_codes);
  // What was proven with the old ones counts no more.
  if (value.password_hash != null || bringsFactor) await stores.endSessions(id);
}
