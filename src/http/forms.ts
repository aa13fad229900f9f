import type { IncomingMessage } from 'node:http';
import rawBody from 'raw-body';
import { Fault, InvalidInput } from '../errors.ts';

/** A form's fields: each at most once, always text. */
export type Fields = ReadonlyMap<string, string>;

export interface FormLimits {
  readonly bodyBytes: number;
  readonly fields: number;
  /** Code units of one value. */
  readonly valueLength: number;
}

export const formLimits: FormLimits = { bodyBytes: 32_768, fields: 40, valueLength: 8_192 };

/**
 * Reads a posted form, or the flat JSON object that stands for it (`true` for a ticked box). Throws `Fault` 400 for
 * doubled fields, lists and nested values (none may ever mean "any of these"), 413 beyond the limits, 415 for other
 * types of content. The map has no prototype to pollute.
 */
export async function readFields(
  { req }: { readonly req: IncomingMessage },
  limits: Partial<FormLimits> = {},
): Promise<Fields> {
  const most = { ...formLimits, ...limits };
  const isJson = contentTypeOf(req) === 'application/json';
  const text = await readText(req, most.bodyBytes);
  const fields = isJson ? jsonFields(text) : formFields(text, most.fields);
  if (fields.size > most.fields) throw new Fault('too_large', 413, 'too many fields');
  for (const [name, value] of fields) {
    if (value.length > most.valueLength)
      throw new Fault('too_large', 413, 'a field is too long', { field: named(name) });
  }
  return fields;
}

/** The body as text; UTF-8 alone, uncompressed. Throws `Fault` 400, 413, 415. */
export async function readText(request: IncomingMessage, mostBytes: number): Promise<string> {
  const { 'content-encoding': encoding, 'content-length': length } = request.headers;
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Fault('unsupported_media_type', 415, 'compressed bodies are refused');
  }
  try {
    const bytes = await rawBody(request, { limit: mostBytes, ...(length === undefined ? {} : { length }) });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidInput('', 'the body is not UTF-8', 'bad_request');
    if ((error as { type?: string }).type === 'entity.too.large') {
      throw new Fault('too_large', 413, 'the body is too large');
    }
    throw new InvalidInput('', 'the body ended before it was whole', 'bad_request');
  }
}

/** Throws `Fault` 415 where a body does not say what it is, is said to be in another alphabet, or is packed. */
export function assertPlainUtf8({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const { 'content-type': type, 'content-encoding': encoding = 'identity', 'content-length': length = '0' } = headers;
  const hasBody = headers['transfer-encoding'] !== undefined || length !== '0';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type ?? '')?.[1] ?? 'utf-8';
  const isNamed = type !== undefined || !hasBody;
  if (!isNamed || charset.toLowerCase() !== 'utf-8' || encoding.toLowerCase() !== 'identity') {
    throw new Fault('unsupported_media_type', 415, 'send the body with its type, in UTF-8, uncompressed');
  }
}

function contentTypeOf(request: IncomingMessage): string {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='));
  const known = ['application/x-www-form-urlencoded', 'application/json'].includes(type.trim());
  // text/plain is what another site's form can send without asking first; it is no form of ours.
  if (!known || (charset !== undefined && !/^charset="?utf-8"?$/.test(charset))) {
    throw new Fault(
      'unsupported_media_type',
      415,
      'send application/x-www-form-urlencoded or application/json, in UTF-8',
    );
  }
  return type.trim();
}

function formFields(text: string, most: number): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (/[[\]]/.test(name)) throw new InvalidInput(named(name), 'a field stands for one value', 'bad_request');
    if (fields.has(name)) throw new InvalidInput(named(name), 'a field was sent twice', 'bad_request');
    if (fields.size >= most) throw new Fault('too_large', 413, 'too many fields');
    fields.set(name, value);
  }
  return fields;
}

function jsonFields(text: string): Map<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInput('', 'the body is not JSON', 'bad_request');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidInput('', 'the body is not a JSON object', 'bad_request');
  }
  const fields = new Map<string, string>();
  for (const [name, item] of Object.entries(value as Record<string, unknown>)) {
    const text = item === true ? 'yes' : item === false ? '' : item;
    if (typeof text !== 'string') throw new InvalidInput(named(name), 'a field must be text', 'bad_request');
    fields.set(name, text);
  }
  return fields;
}

/** A field's name as it may be repeated in an answer. */
function named(name: string): string {
  return /^[\w-]{1,40}$/.test(name) ? name : '';
}
