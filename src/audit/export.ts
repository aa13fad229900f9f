import type { AuditFilter, AuditReader, AuditRecord } from './audit-log.ts';

/** An event in the words of the admin API, the export and the sinks. */
export interface ShownAuditEvent {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly target: string;
  readonly result: 'success' | 'failure';
  readonly reason: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly request_id: string;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly personal: Readonly<Record<string, string>> | null;
}

export function showAuditEvent(record: AuditRecord): ShownAuditEvent {
  return {
    id: record.id,
    at: record.at.toISOString(),
    type: record.type,
    actor: record.actor,
    target: record.target,
    result: record.result,
    reason: record.reason,
    details: record.details,
    request_id: record.requestId,
    address: record.address,
    user_agent: record.userAgent,
    personal: record.personal,
  };
}

/** The record as NDJSON, oldest first: one event a line, in constant memory. */
export async function* exportAudit(
  reader: Pick<AuditReader, 'stream'>,
  filter: AuditFilter,
): AsyncGenerator<string, void, void> {
  for await (const record of reader.stream(filter)) yield `${JSON.stringify(showAuditEvent(record))}\n`;
}
