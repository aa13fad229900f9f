/** How an installation looks: all of it from settings. */
export interface Branding {
  readonly name: string;
  readonly logo?: BrandImage | undefined;
  /** `#rrggbb` */
  readonly accent?: string | undefined;
  /** A mail address or an https address; shown at the foot of every page and where a person is stuck. */
  readonly supportAddress?: string | undefined;
  /** What differs while a person signs in to one relying party, by client id. */
  readonly relyingParties?: ReadonlyMap<string, Partial<Omit<Branding, 'relyingParties'>>> | undefined;
}

export interface BrandImage {
  readonly extension: 'svg' | 'png' | 'webp' | 'jpg';
  readonly content: Buffer;
}

export const defaultAccent = '#3454d1';

interface Colour {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

/** WCAG 2.2 success criterion 1.4.3. */
const leastContrast = 4.5;

/**
 * The accent's shades as a stylesheet. From the one colour of the settings a shade is derived for each theme that can
 * be read on that theme's surfaces and bears its text (4.5:1); greys take a hint of its hue. Throws on another form
 * than `#rrggbb`.
 */
export function accentStyle(accent: string = defaultAccent): string {
  const { base, light, dark } = shadesOf(accent);
  const onDark = contrast(dark, white) >= leastContrast ? '#fff' : css({ ...base, saturation: 40, lightness: 8 });
  const hue = Math.round(base.hue);
  return [
    `:root{--hue:${hue};--accent:${css(light)};--accent-hover:${css(darker(light, 7))};--on-accent:#fff}`,
    `@media (prefers-color-scheme:dark){:root{--accent:${css(dark)};--accent-hover:${css(darker(dark, -6))};--on-accent:${onDark}}}`,
    '',
  ].join('\n');
}

/** The accent as `#rrggbb` for mails, whose readers know no other form: on the light theme, and on the dark one. */
export function accentInMails(accent: string = defaultAccent): { readonly light: string; readonly dark: string } {
  const { light, dark } = shadesOf(accent);
  return { light: toHex(light), dark: toHex(dark) };
}

function shadesOf(accent: string) {
  const base = toHsl(accent);
  // The darkest surface the light shade stands on, and the lightest the dark one does: the tinted ones.
  const light = shade(base, -1, { hue: Math.round(base.hue), saturation: 30, lightness: 94 });
  const dark = shade(base, 1, { hue: Math.round(base.hue), saturation: 14, lightness: 19 });
  return { base, light, dark };
}

const white: Colour = { hue: 0, saturation: 0, lightness: 100 };

/** Moves the lightness until both the surface behind it and, in the light theme, white text on it can be read. */
function shade(base: Colour, direction: -1 | 1, surface: Colour): Colour {
  // Whole numbers, as the stylesheet will have them: what is judged is what is shown.
  let colour = {
    hue: Math.round(base.hue),
    saturation: Math.round(Math.min(base.saturation, direction === 1 ? 85 : 100)),
    lightness: Math.round(base.lightness),
  };
  const readable = (candidate: Colour): boolean =>
    contrast(candidate, surface) >= leastContrast && (direction === 1 || contrast(candidate, white) >= leastContrast);
  while (!readable(colour) && colour.lightness !== (direction === 1 ? 100 : 0)) {
    colour = { ...colour, lightness: Math.min(100, Math.max(0, colour.lightness + direction)) };
  }
  return colour;
}

function darker(colour: Colour, by: number): Colour {
  return { ...colour, lightness: Math.min(100, Math.max(0, colour.lightness - by)) };
}

function css({ hue, saturation, lightness }: Colour): string {
  return `hsl(${hue.toFixed(0)} ${saturation.toFixed(0)}% ${lightness.toFixed(0)}%)`;
}

function toHsl(hex: string): Colour {
  const match = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(hex);
  if (match === null) throw new TypeError(`the accent colour is not of the form #rrggbb, got '${hex}'`);
  const [red, green, blue] = match.slice(1).map((part) => Number.parseInt(part, 16) / 255) as [number, number, number];
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  const range = most - least;
  const lightness = (most + least) / 2;
  const saturation = range === 0 ? 0 : range / (1 - Math.abs(2 * lightness - 1));
  const sector =
    range === 0
      ? 0
      : most === red
        ? ((green - blue) / range) % 6
        : most === green
          ? (blue - red) / range + 2
          : (red - green) / range + 4;
  return { hue: (sector * 60 + 360) % 360, saturation: saturation * 100, lightness: lightness * 100 };
}

/** WCAG 2.2's contrast ratio, 1 to 21. */
function contrast(one: Colour, other: Colour): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = toRgb(colour).map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Red, green and blue, each from 0 to 1. */
function toRgb({ hue, saturation, lightness }: Colour): number[] {
  const [s, l] = [saturation / 100, lightness / 100];
  return [0, 8, 4].map((offset) => {
    const position = (offset + hue / 30) % 12;
    return l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(position - 3, 9 - position, 1));
  });
}

function toHex(colour: Colour): string {
  const parts = toRgb(colour).map((value) =>
    Math.round(value * 255)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${parts.join('')}`;
}
