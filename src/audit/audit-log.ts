import type { AuditDetails, AuditEvent, AuditEventType } from '../domain/audit-event.ts';

/** The append-only record. A row is written in the transaction of the change it tells of: both stay, or neither. */
export interface AuditLog {
  record(event: AuditEvent): Promise<void>;
  /** The same for several events at once, in one round trip, in this order. */
  recordAll(events: readonly AuditEvent[]): Promise<void>;
}

/** An event as it was recorded. */
export interface AuditRecord {
  readonly id: string;
  readonly at: Date;
  readonly type: AuditEventType;
  readonly actor: string;
  readonly target: string;
  readonly result: 'success' | 'failure';
  readonly reason: string | null;
  readonly details: AuditDetails;
  readonly requestId: string;
  /** Null once the person it belongs to was erased, like the two below. */
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly personal: Readonly<Record<string, string>> | null;
}

export interface AuditFilter {
  readonly types?: readonly AuditEventType[];
  readonly actor?: string;
  readonly target?: string;
  /** Events that a person did or that concern them. */
  readonly person?: string;
  readonly result?: 'success' | 'failure';
  /** All events of one request: the trace of a sign-in by its reference. */
  readonly requestId?: string;
  /** From this moment on. */
  readonly from?: Date;
  /** Before this moment. */
  readonly to?: Date;
}

export interface AuditPage {
  readonly items: readonly AuditRecord[];
  /** Opaque; null on the last page. */
  readonly nextCursor: string | null;
}

export interface AuditReader {
  /** Newest first; `limit` from 1 to 200. Throws `InvalidInput` (`cursor`) for a cursor that we did not make. */
  list(filter: AuditFilter, page: { readonly limit: number; readonly cursor?: string | undefined }): Promise<AuditPage>;
  find(id: string): Promise<AuditRecord | undefined>;
  /** How many there are, counted up to `most`. */
  count(filter: AuditFilter, most: number): Promise<number>;
  /** Oldest first, in constant memory. */
  stream(filter: AuditFilter): AsyncIterable<AuditRecord>;
}
