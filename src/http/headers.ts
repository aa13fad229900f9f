import type { ServerResponse } from 'node:http';

/** Where browsers send what the policy kept from happening. */
export const reportsPath = '/csp-reports';

/** Sources that may stand in `form-action`: an origin, or the scheme of a native app. Nothing else reaches the header. */
const formTarget =
  /^(?:https?:\/\/(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::(?:\d{1,5}|\*))?|(?!data:|javascript:|blob:|file:)[a-z][a-z0-9+.-]*:)$/i;

/**
 * The policy of a page. `formTargets` are origins beside our own: Chromium applies `form-action` to every redirect
 * that follows a form, so the page whose form ends a sign-in must name where the relying party lives.
 */
export function contentSecurityPolicy(formTargets: readonly string[] = []): string {
  const targets = [...new Set(formTargets.filter((target) => formTarget.test(target)))].slice(0, 20);
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    // The meter beside a new password asks the service.
    "connect-src 'self'",
    "object-src 'none'",
    `form-action ${["'self'", ...targets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    `report-uri ${reportsPath}`,
    'report-to csp',
  ].join('; ');
}

/** The policy of all that is not a page: nothing runs, nothing loads, should a browser draw it all the same. */
export const closedPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

/** On every answer, whatever it is. */
export const everyAnswersHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'reporting-endpoints': `csp="${reportsPath}"`,
};

/**
 * Makes sure that whatever is answered bears the security headers: pages, errors, redirects, and what the engine or a
 * framework's last resort writes after clearing its headers. They are added at the moment the head is written; a
 * header that is set already stays. What is not marked cacheable is not stored.
 */
export function guardHeaders(response: ServerResponse, { https }: { https: boolean }): void {
  const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
  response.writeHead = (...given: unknown[]) => {
    if (!response.headersSent) addMissing(response, https);
    return writeHead(...given);
  };
}

function addMissing(response: ServerResponse, https: boolean): void {
  for (const [name, value] of Object.entries(everyAnswersHeaders)) {
    if (!response.hasHeader(name)) response.setHeader(name, value);
  }
  if (https && !response.hasHeader('strict-transport-security')) {
    response.setHeader('strict-transport-security', 'max-age=63072000; includeSubDomains');
  }
  if (!response.hasHeader('content-security-policy')) response.setHeader('content-security-policy', closedPolicy);
  if (!response.hasHeader('cache-control')) response.setHeader('cache-control', 'no-store');
  const type = response.getHeader('content-type');
  if (typeof type === 'string' && type.startsWith('text/') && !type.includes('charset')) {
    response.setHeader('content-type', `${type}; charset=utf-8`);
  }
  response.removeHeader('x-powered-by');
  response.removeHeader('server');
}
