import { cleanLine } from '../domain/audit-text.ts';

/** What one record of RFC 5424 is made of. */
export interface SyslogEvent {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly target: string;
  readonly result: 'success' | 'failure';
  readonly reason: string | null;
  readonly request_id: string;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SyslogSender {
  /** The host people know the service by. */
  readonly host: string;
  readonly processId: number;
}

/** "log audit", RFC 5424 section 6.2.1. */
const facility = 13;
const severities = { success: 5, failure: 4 } as const;
/** The number that RFC 5612 keeps for documentation stands for whoever has none of their own. */
const structureName = 'twofold@32473';
const mark = '\u{FEFF}';

/**
 * One record of RFC 5424: the event's fields as structured data, and the same in JSON as the message. Whatever strangers
 * wrote is one line inside its own field (K10): control characters are gone, and `"`, `\` and `]` are escaped (section
 * 6.3.3); JSON has no line of its own either.
 */
export function syslogMessage(event: SyslogEvent, { host, processId }: SyslogSender): string {
  const priority = facility * 8 + severities[event.result];
  const header = [
    `<${priority}>1`,
    event.at,
    printable(host, 255),
    'twofold',
    printable(String(processId), 128),
    printable(event.type, 32),
  ].join(' ');
  const fields: Record<string, string | null> = {
    id: event.id,
    actor: event.actor,
    target: event.target,
    result: event.result,
    reason: event.reason,
    request_id: event.request_id,
    address: event.address,
    user_agent: event.user_agent,
  };
  const data = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => ` ${name}="${escapeParameter(value ?? '')}"`)
    .join('');
  return `${header} [${structureName}${data}] ${mark}${escapeLines(JSON.stringify(event))}`;
}

/** Octet counting (RFC 6587 section 3.4.1, and the one framing of RFC 5425): how many bytes, a space, the bytes. */
export function frame(message: string): Buffer {
  const bytes = Buffer.from(message, 'utf8');
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

/** Visible ASCII without a space, for a field of the header; "-" where nothing is left (the nil value). */
function printable(text: string, longest: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, longest) || '-';
}

function escapeParameter(value: string): string {
  return cleanLine(value).replaceAll(/["\\\]]/g, String.raw`\$&`);
}

/** JSON writes control characters as escapes by itself, but for those that some readers take for the end of a line. */
function escapeLines(json: string): string {
  return json.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}
