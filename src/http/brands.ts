import { accentStyle, type Branding, type BrandImage } from './branding.ts';
import { linkableUri } from './display-text.ts';

/** A brand as templates have it. */
export interface Brand {
  readonly name: string;
  readonly accent: string | undefined;
  readonly supportAddress: string | undefined;
  readonly supportHref: string | undefined;
  /** A static file. */
  readonly logo: string | undefined;
  /** A static file with shades of its own, beside the stylesheet's. */
  readonly style: string | undefined;
  /** What the operator gave the relying party alone. */
  readonly own: { readonly name?: string | undefined; readonly logo?: string | undefined };
}

export interface Brands {
  /** Static files that stand in no folder. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The installation's, or the relying party's where it has one of its own. */
  brandOf(clientId?: string): Brand;
}

/** The brands of the settings. A relying party's is the installation's, with what it has of its own. */
export function createBrands(branding: Branding): Brands {
  const files = new Map<string, Buffer>();
  const addImage = (name: string, image: BrandImage): string => {
    files.set(`${name}.${image.extension}`, image.content);
    return `${name}.${image.extension}`;
  };
  const standard: Brand = {
    name: branding.name,
    accent: branding.accent,
    supportAddress: branding.supportAddress,
    supportHref: supportHref(branding.supportAddress),
    logo: branding.logo && addImage('brand', branding.logo),
    style: undefined,
    own: {},
  };
  const parties = new Map<string, Brand>();
  for (const [clientId, own] of branding.relyingParties ?? []) {
    const file = `brand-${parties.size + 1}`;
    if (own.accent !== undefined) files.set(`${file}.css`, Buffer.from(accentStyle(own.accent)));
    const logo = own.logo && addImage(file, own.logo);
    parties.set(clientId, {
      name: own.name ?? standard.name,
      accent: own.accent ?? standard.accent,
      supportAddress: own.supportAddress ?? standard.supportAddress,
      supportHref: supportHref(own.supportAddress) ?? standard.supportHref,
      logo: logo ?? standard.logo,
      style: own.accent === undefined ? undefined : `${file}.css`,
      own: { name: own.name, logo },
    });
  }
  return { files, brandOf: (clientId = '') => parties.get(clientId) ?? standard };
}

function supportHref(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes('@') && !address.includes('/') ? `mailto:${address}` : linkableUri(address);
}
