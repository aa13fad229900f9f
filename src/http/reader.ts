import type { IncomingMessage } from 'node:http';

/** What is known of whoever reads the answer to a request; it decides language, times and the reference shown. */
export interface Reader {
  readonly requestId: string;
  /** OpenID Connect's `ui_locales` of the sign-in under way. */
  readonly uiLocales?: string | undefined;
  /** The person's own locale and time zone, once it is known who they are. */
  readonly personLocale?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
}

/** Kept by request, not by context: the engine answers in a context of its own. */
const readers = new WeakMap<IncomingMessage, Reader>();

/** Adds to what is known; called by the door, and by whoever learns more. Any Koa context fits. */
export function setReader({ req }: { readonly req: IncomingMessage }, facts: Partial<Reader>): void {
  readers.set(req, { ...readerOf({ req }), ...facts });
}

export function readerOf({ req }: { readonly req: IncomingMessage }): Reader {
  return readers.get(req) ?? { requestId: '' };
}

/** Whether the request asks for a step as JSON (its Accept header names JSON and no HTML). */
export function wantsJson({ req }: { readonly req: IncomingMessage }): boolean {
  const accept = req.headers.accept ?? '';
  return /\bapplication\/json\b/i.test(accept) && !/\btext\/html\b/i.test(accept);
}
