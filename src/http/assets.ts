import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface Asset {
  readonly body: Buffer;
  /** Compressed at start, where that makes it smaller. */
  readonly gzipped: Buffer | undefined;
  readonly type: string;
}

/** The static files: read at start, named by what they contain, and nothing else is served. */
export interface Assets {
  /** `/assets/{hash}/{name}`; throws for a file that is not there. */
  path(name: string): string;
  /** By its path. `current` is false where the hash is another's: a page of an older or newer replica asks. */
  find(path: string): { readonly asset: Asset; readonly current: boolean } | undefined;
}

/** The kinds of files that may be served; anything else in the folder is left alone. */
const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webp: 'image/webp',
  jpg: 'image/jpeg',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
};

/**
 * Reads `static/` of the folders in order; a later folder's file stands in for an earlier one's. `extraStyle` (the
 * accent's shades) is put at the end of `twofold.css`, so that a page needs one stylesheet alone; `others` stand in no folder.
 */
export function loadAssets(
  folders: readonly string[],
  extraStyle: string,
  others: ReadonlyMap<string, Buffer> = new Map(),
): Assets {
  const assets = new Map<string, Asset>();
  const add = (name: string, read: Buffer): void => {
    const type = types[/^[\w-]+\.([a-z0-9]+)$/.exec(name)?.[1] ?? ''];
    if (type === undefined) return;
    const body = name === 'twofold.css' ? Buffer.concat([read, Buffer.from(`\n${extraStyle}`)]) : read;
    const gzipped = gzipSync(body, { level: 9 });
    assets.set(name, { body, type, gzipped: gzipped.length < body.length * 0.9 ? gzipped : undefined });
  };
  for (const folder of folders.map((views) => join(views, 'static'))) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) {
      if (statSync(join(folder, name)).isFile()) add(name, readFileSync(join(folder, name)));
    }
  }
  for (const [name, content] of others) add(name, content);
  const digest = createHash('sha256');
  for (const [name, { body }] of assets) digest.update(`${name}:${body.length}:`).update(body);
  const hash = digest.digest('base64url').slice(0, 16);

  return {
    path(name) {
      if (!assets.has(name)) throw new Error(`there is no static file ${name}`);
      return `/assets/${hash}/${name}`;
    },
    find(path) {
      const match = /^\/assets\/([\w-]{16})\/([\w.-]+)$/.exec(path);
      const asset = assets.get(match?.[2] ?? '');
      return asset === undefined ? undefined : { asset, current: match?.[1] === hash };
    },
  };
}
