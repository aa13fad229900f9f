import { z } from 'zod';
import { text, type SettingDefinition } from './setting-definition.ts';

/** `#rrggbb`. */
export const colour = z.string().regex(/^#[\da-f]{6}$/i, 'must be a colour such as #3454d1');
/** An image that pages may bear; larger ones would make every page heavy. */
export const imageFile = text.regex(
  /\.(?:svg|png|webp|jpg)$/i,
  'must be the path of an .svg, .png, .webp or .jpg file',
);

/** How the pages and mails look. */
export const brandingSettings = {
  productName: {
    name: 'TWOFOLD_NAME',
    path: 'branding.name',
    schema: text.max(60),
    default: 'Twofold',
    sentence: 'The name people see, on pages and in their authenticator app.',
  },
  logoFile: {
    name: 'TWOFOLD_LOGO_FILE',
    path: 'branding.logo_file',
    schema: imageFile,
    sentence: 'A square picture beside the name, as a file of at most 20 kB: .svg, .png, .webp or .jpg.',
  },
  accentColour: {
    name: 'TWOFOLD_ACCENT_COLOUR',
    path: 'branding.accent_colour',
    schema: colour,
    default: '#3454d1',
    sentence:
      'The colour of buttons and links; shades of it are made that can be read in the light and the dark theme.',
  },
  supportAddress: {
    name: 'TWOFOLD_SUPPORT_ADDRESS',
    path: 'branding.support_address',
    schema: text.max(254),
    sentence: 'An address or link where people find help; shown in the foot and on error pages.',
  },
  viewsFolder: {
    name: 'TWOFOLD_VIEWS_DIR',
    path: 'branding.views_dir',
    schema: text,
    sentence: 'A folder of views of your own, laid over ours file by file: templates, messages and static files.',
  },
} as const satisfies Record<string, SettingDefinition>;
