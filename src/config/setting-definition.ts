import { z } from 'zod';

/** One setting: everything there is to say of it stands here, and the reference page is made from it. */
export interface SettingDefinition {
  /** The environment variable. */
  readonly name: string;
  /** Where it stands in a settings file: `section.key`. */
  readonly path: string;
  readonly schema: z.ZodType;
  /** The default as text, or undefined where there is none. */
  readonly default?: string;
  /** Where another setting decides: the default in words, for the reference. */
  readonly defaultWords?: string;
  /** The default that comes of the settings above it in the table; `default` is what it comes to with theirs. */
  readonly defaultOf?: (settings: Readonly<Record<string, unknown>>) => string | undefined;
  /** Never printed, also read from NAME_FILE. */
  readonly secret?: true;
  /** Must be given with NODE_ENV=production (unless the embedded default is allowed). */
  readonly production?: true;
  readonly sentence: string;
}

/** A text of one line or more. */
export const text = z.string().min(1).max(4096);
/** `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
/** Items separated by commas or spaces. */
export const list = z
  .string()
  .max(20_000)
  .transform((value) => value.split(/[\s,]+/).filter((item) => item !== ''));

/** A whole number within limits. */
export function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`);
}
