import type { AuditLog } from '../audit/audit-log.ts';
import { SecretUnreadable } from '../crypto/secret-box.ts';
import { serviceContext, type RequestContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';
import { checkEncryptionKeys, chooseSealingKey, type KeyDependencies } from './check-encryption-keys.ts';
import type { EncryptionKeyStore, SealedColumn, SealedRow } from './encryption-key-store.ts';
import { walkSealed } from './walk-sealed.ts';

export interface RotationDependencies extends KeyDependencies {
  readonly inTransaction: InTransaction<{ readonly encryptionKeys: EncryptionKeyStore; readonly audit: AuditLog }>;
}

export type ResealOutcome =
  | {
      readonly kind: 'done';
      /** The key under which everything is now. */
      readonly key: string;
      readonly resealed: number;
      /** Values that no key of the ring opens; they are left as they are. */
      readonly unreadable: number;
    }
  /** Another replica is at it. */
  | { readonly kind: 'elsewhere' };

export interface KeyStatus {
  readonly id: string;
  readonly inRing: boolean;
  readonly seals: boolean;
  /** Sealed values by table; the record's own seals are not among them. */
  readonly rows: Readonly<Record<string, number>>;
  readonly auditSeals: number;
  /** Seconds until the key may be taken from the ring; null while something is sealed with it, or while it is needed. */
  readonly removableInSeconds: number | null;
}

export interface ResealOptions {
  readonly actor?: string;
  readonly context?: RequestContext;
  readonly onProgress?: (line: string) => void;
}

const rowsAtOnce = 200;
/** What lies in the short-lived records under the old key (interactions, opaque tokens) is over after an hour. */
const shortLivedSeconds = 3600;

/** The use cases of the encryption keys: sealing anew what older keys sealed, and saying what each key still holds. */
export function createEncryptionKeys(dependencies: RotationDependencies) {
  const { inTransaction, ring, columns } = dependencies;

  /**
   * Goes once over everything that is sealed, in short transactions, and seals anew what another key than the present
   * one sealed. Each value is exchanged only where it is still what was read, so sign-ins go on meanwhile, and a process
   * that dies leaves whole rows. Of several replicas one does it; a second begins where nothing is left.
   */
  async function reseal({
    actor = 'service',
    context = serviceContext,
    onProgress,
  }: ResealOptions = {}): Promise<ResealOutcome> {
    await chooseSealingKey(dependencies);
    const key = ring.currentKeyId;
    const previous = new Set<string>();
    let resealed = 0;
    let unreadable = 0;
    for (const column of columns) {
      for (let after: string | null = null; ;) {
        const from: string | null = after;
        const slice = await inTransaction(async ({ encryptionKeys }) => {
          if (!(await encryptionKeys.lockResealing())) return undefined;
          const rows = await encryptionKeys.readSlice(column, from, rowsAtOnce);
          const { changes, failed } = sealAnew(column, rows);
          return {
            rows,
            failed,
            keys: changes.map(({ keyId }) => keyId),
            done: await encryptionKeys.exchange(column, changes),
          };
        });
        if (slice === undefined) return { kind: 'elsewhere' };
        resealed += slice.done;
        unreadable += slice.failed;
        for (const id of slice.keys) previous.add(id);
        if (slice.done > 0) onProgress?.(`${column.table}: ${resealed} sealed anew under '${key}'`);
        if (slice.rows.length < rowsAtOnce) break;
        after = slice.rows.at(-1)?.key ?? null;
      }
    }
    await inTransaction(async ({ encryptionKeys, audit }) => {
      // Only a whole pass that found nothing shows that nothing is left.
      const known = await encryptionKeys.listKeys();
      const nothingLeft = resealed === 0 && unreadable === 0;
      await encryptionKeys.noteEmpty(nothingLeft ? known.map(({ id }) => id).filter((id) => id !== key) : []);
      if (resealed === 0) return;
      const details = { key, previous: [...previous].join(' '), count: resealed };
      await audit.record({ type: 'encryption-key.rotated', actor, target: '', result: 'success', details, context });
    });
    return { kind: 'done', key, resealed, unreadable };
  }

  function sealAnew(column: SealedColumn, rows: readonly SealedRow[]) {
    const changes: { key: string; before: string; after: string; keyId: string }[] = [];
    let failed = 0;
    for (const row of rows) {
      try {
        const keyId = ring.keyIdOf(row.sealed);
        if (keyId === ring.currentKeyId) continue;
        const context = column.context(row);
        const after = ring.seal(ring.open(row.sealed, context), context);
        changes.push({ key: row.key, before: row.sealed, after, keyId });
      } catch (error) {
        if (!(error instanceof SecretUnreadable)) throw error;
        failed += 1;
      }
    }
    return { changes, failed };
  }

  return {
    /** Refuses a ring that is wrong, and chooses the key that seals; to be called before anything else. */
    async check(): Promise<void> {
      await checkEncryptionKeys(dependencies);
      await chooseSealingKey(dependencies);
    },
    /** All that is sealed anew. */
    columns,
    reseal,
    chooseSealingKey: () => chooseSealingKey(dependencies),
    /** The same in the background: only while an older key may still hold something. */
    async resealWhereNeeded(): Promise<ResealOutcome | undefined> {
      await chooseSealingKey(dependencies);
      const known = await inTransaction(({ encryptionKeys }) => encryptionKeys.listKeys());
      const older = known.some(({ id, emptySeconds }) => id !== ring.currentKeyId && emptySeconds === null);
      const begun = known.some(({ id, emptySeconds }) => id === ring.currentKeyId && emptySeconds !== null);
      return older || begun ? reseal() : undefined;
    },
    /** Lets the ring's first key seal at once: to be called when every replica has it. */
    async sealWithFirst(): Promise<void> {
      const [first] = ring.keyIds;
      if (first !== undefined) await inTransaction(({ encryptionKeys }) => encryptionKeys.letSeal(first));
      await chooseSealingKey(dependencies);
    },
    async status(): Promise<KeyStatus[]> {
      await chooseSealingKey(dependencies);
      const [known, auditSeals] = await inTransaction(async ({ encryptionKeys }) => [
        await encryptionKeys.listKeys(),
        await encryptionKeys.countAuditSeals(),
      ]);
      const counts = new Map<string, Record<string, number>>();
      for (const column of columns) {
        for await (const rows of walkSealed(inTransaction, column)) {
          for (const { sealed } of rows) {
            const id = ring.keyIdOf(sealed);
            const tables = counts.get(id) ?? {};
            counts.set(id, tables);
            tables[column.table] = (tables[column.table] ?? 0) + 1;
          }
        }
      }
      const ids = new Set([...ring.keyIds, ...known.map(({ id }) => id), ...counts.keys()]);
      return [...ids].map((id): KeyStatus => {
        const rows = counts.get(id) ?? {};
        const empty = known.find((key) => key.id === id)?.emptySeconds ?? null;
        const needed = id === ring.currentKeyId || id === ring.keyIds[0] || Object.keys(rows).length > 0;
        return {
          id,
          inRing: ring.keyIds.includes(id),
          seals: id === ring.currentKeyId,
          rows,
          auditSeals: auditSeals.get(id) ?? 0,
          removableInSeconds: needed || empty === null ? null : Math.max(0, Math.ceil(shortLivedSeconds - empty)),
        };
      });
    },
  };
}

export type EncryptionKeys = ReturnType<typeof createEncryptionKeys>;
