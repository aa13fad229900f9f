import type { Context, Next } from 'koa';
import type { Logger } from '../logger.ts';
import { readText } from './forms.ts';
import { reportsPath } from './headers.ts';

/** Reports logged in a minute; anyone may send them, and a log is not theirs to fill. */
const mostAMinute = 20;

/** Takes what browsers report of the content security policy, and logs which page and directive it was. */
export function acceptReports(logger: Pick<Logger, 'warn'>, epochMilliseconds: () => number) {
  let minute = 0;
  let logged = 0;
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.path !== reportsPath) {
      await next();
      return;
    }
    if (ctx.method !== 'POST') ctx.throw(405);
    const now = Math.floor(epochMilliseconds() / 60_000);
    if (now !== minute) [minute, logged] = [now, 0];
    const text = await readText(ctx.req, 8_192);
    if (logged < mostAMinute) {
      logged += 1;
      logger.warn(readReport(text), 'a browser reported a breach of the content security policy');
    }
    ctx.status = 204;
  };
}

function readReport(text: string): Record<string, string> {
  try {
    const parsed = JSON.parse(text) as unknown;
    const outer = (Array.isArray(parsed) ? parsed[0] : parsed) as Record<string, Record<string, unknown>> | undefined;
    const report = outer?.['csp-report'] ?? outer?.['body'] ?? {};
    const word = (...names: string[]): string => {
      const value = names.map((name) => report[name]).find((found) => typeof found === 'string');
      // Paths and queries may hold ids of a sign-in; the origin is enough to find what was kept out.
      return typeof value !== 'string' ? '' : URL.canParse(value) ? new URL(value).origin : value.slice(0, 60);
    };
    return {
      directive: word('effective-directive', 'effectiveDirective', 'violated-directive'),
      blocked: word('blocked-uri', 'blockedURL'),
    };
  } catch {
    return { directive: '', blocked: '' };
  }
}
