import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Settings } from '../config/settings-table.ts';
import { SetupFault } from '../errors.ts';
import type { Clock } from '../clock.ts';
import type { Branding, BrandImage } from '../http/branding.ts';
import { createViews, type Views } from '../http/views.ts';

const mostImageBytes = 20_000;
const webp = (content: Buffer): boolean =>
  content.toString('latin1', 0, 4) === 'RIFF' && content.toString('latin1', 8, 12) === 'WEBP';
const looksLike: Readonly<Record<BrandImage['extension'], (content: Buffer) => boolean>> = {
  svg: (content) =>
    /^(?:\uFEFF?\s*<\?xml[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s>]/i.test(content.toString('utf8')),
  png: (content) => content.toString('latin1', 1, 4) === 'PNG',
  jpg: (content) => content.readUInt16BE(0) === 0xff_d8,
  webp,
};

/**
 * The pages as the settings want them to look. Throws `SetupFault` (`branding`) for a file or folder that is not there, an
 * image that is none, and a view that does not compile.
 */
export function createBrandedViews(settings: Settings, clock: Clock, prefix: string): Views {
  const { viewsFolder: folder } = settings;
  const branding = readBranding(settings);
  if (folder === undefined) return createViews({ branding, clock, prefix });
  if (!(existsSync(folder) && statSync(folder).isDirectory())) {
    throw new SetupFault('branding', `TWOFOLD_VIEWS_DIR: there is no such folder, got '${folder}'`);
  }
  try {
    return createViews({ branding, clock, prefix, folder });
  } catch (error) {
    throw new SetupFault('branding', `TWOFOLD_VIEWS_DIR: ${(error as Error).message}, got '${folder}'`, error);
  }
}

function readBranding(settings: Settings): Branding {
  const { productName, logoFile, accentColour, supportAddress, partyBranding } = settings;
  const parties = [...partyBranding].map(([clientId, own]) => {
    const logo = own.logoFile === undefined ? {} : { logo: readImage(`${clientId}.logo_file`, own.logoFile) };
    return [
      clientId,
      { name: own.name, accent: own.accentColour, supportAddress: own.supportAddress, ...logo },
    ] as const;
  });
  return {
    name: productName,
    accent: accentColour,
    supportAddress,
    ...(logoFile === undefined ? {} : { logo: readImage('TWOFOLD_LOGO_FILE', logoFile) }),
    relyingParties: new Map(parties),
  };
}

function readImage(setting: string, path: string): BrandImage {
  const extension = path.split('.').at(-1)?.toLowerCase() as BrandImage['extension'];
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch {
    throw new SetupFault('branding', `${setting}: this file cannot be read, got '${path}'`);
  }
  if (content.length > mostImageBytes) {
    throw new SetupFault('branding', `${setting}: must have at most 20 kB, has ${content.length} bytes, got '${path}'`);
  }
  if (content.length < 16 || !looksLike[extension](content)) {
    throw new SetupFault('branding', `${setting}: this is no ${extension} image, got '${path}'`);
  }
  return { extension, content };
}
