import type { AuditDetails } from './audit-event.ts';

const longestText = 500;
const mostDetails = 40;

/**
 * One line of bounded length. What strangers send (a user agent, a name, a client id) must stay inside its field of its
 * record: control characters, line and paragraph separators and direction marks become spaces, so that nothing breaks a
 * line, colours a terminal or shows in another order than it was written.
 */
export function cleanLine(text: string): string {
  return text
    .slice(0, longestText * 2)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
    .slice(0, longestText)
    .toWellFormed();
}

/** The same for each name and value; other kinds of values stay as they are, in a bounded number. */
export function cleanDetails(details: AuditDetails | undefined): AuditDetails {
  const entries = Object.entries(details ?? {}).slice(0, mostDetails);
  return Object.fromEntries(
    entries.map(([name, value]) => [cleanLine(name), typeof value === 'string' ? cleanLine(value) : value]),
  );
}
