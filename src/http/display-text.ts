/**
 * Control characters, and the signs that turn the direction of a whole line: a client named with one of these could
 * make the host beside its name read backwards.
 */
const invisible =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** A text of somebody else's making, fit to stand in a sentence of ours: one line, at most `most` code points. */
export function displayText(text: string, most = 80): string {
  // Ten thousand characters are cut before anything looks at each of them.
  const line = text
    .slice(0, most * 8)
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(invisible, '')
    .trim();
  const points = Array.from(line);
  return points.length <= most ? line : `${points.slice(0, most - 1).join('')}…`;
}

/** An address that may stand in an `href`: http and https alone, so that no script hides in a client's policy_uri. */
export function linkableUri(uri: string | undefined): string | undefined {
  if (uri === undefined || !URL.canParse(uri)) return undefined;
  const { protocol, href } = new URL(uri);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}

/** An image our policy lets a browser load: carried in the page, or ours. Nothing is fetched from third parties. */
export function ownImage(uri: string | undefined): string | undefined {
  if (uri === undefined || uri.length > 40_000) return undefined;
  const own = /^\/(?!\/)[\w./-]+$/.test(uri) || /^data:image\/(png|jpeg|webp|svg\+xml);base64,[\w+/=]+$/.test(uri);
  return own ? uri : undefined;
}
