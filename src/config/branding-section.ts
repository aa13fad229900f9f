import { z } from 'zod';
import { colour, imageFile } from './branding-settings.ts';
import { text } from './setting-definition.ts';

/** How pages look while a person signs in to one relying party; what is absent is as everywhere. */
export interface PartyBranding {
  readonly name?: string | undefined;
  readonly logoFile?: string | undefined;
  readonly accentColour?: string | undefined;
  readonly supportAddress?: string | undefined;
}

const party = z.strictObject({
  name: text.max(60).optional(),
  logo_file: imageFile.optional(),
  accent_colour: colour.optional(),
  support_address: text.max(254).optional(),
});

export interface ReadBranding {
  readonly parties: ReadonlyMap<string, PartyBranding>;
  readonly faults: readonly { readonly at: string; readonly message: string; readonly got: string }[];
}

/** `branding.relying_parties` of a settings file, by client id. Every fault is answered, not the first alone. */
export function partyBrandingOf(section: unknown): ReadBranding {
  const parties = new Map<string, PartyBranding>();
  const faults: { at: string; message: string; got: string }[] = [];
  if (section === undefined || section === null) return { parties, faults };
  const at = 'branding.relying_parties';
  if (typeof section !== 'object' || Array.isArray(section)) {
    return { parties, faults: [{ at, message: 'must hold brandings by client id', got: JSON.stringify(section) }] };
  }
  for (const [clientId, document] of Object.entries(section as Record<string, unknown>)) {
    const read = party.safeParse(document);
    if (read.success) {
      const { name, logo_file: logoFile, accent_colour: accentColour, support_address: supportAddress } = read.data;
      parties.set(clientId, { name, logoFile, accentColour, supportAddress });
      continue;
    }
    for (const { path, message } of read.error.issues) {
      faults.push({ at: [at, clientId, ...path].join('.'), message, got: JSON.stringify(document) ?? '' });
    }
  }
  return { parties, faults };
}

/** The part as a JSON Schema, for editors. */
export const partyBrandingSchema = {
  description: 'How pages look while a person signs in to one relying party, by client id.',
  type: 'object',
  additionalProperties: z.toJSONSchema(party, { target: 'draft-2020-12' }),
};

/** The part as the example file shows it, below the section's settings. */
export const partyBrandingExample = [
  '  # How pages look while a person signs in to one relying party. Not in the environment, in this file alone.',
  '  # relying_parties:',
  '  #   shop: { name: Meadow Shop, logo_file: shop.svg, accent_colour: "#0a7d4f", support_address: help@shop.example }',
];
