import type { Context } from 'koa';
import rawBody from 'raw-body';
import { Fault, InvalidInput } from '../errors.ts';

/** A form's fields: each at most once, always text. */
export type Fields = ReadonlyMap<string, string>;

const mostBytes = 64 * 1024;
const mostFields = 100;

/**
 * Reads a form or a flat JSON object. A field that comes twice, a list or an object where text belongs is refused: none
 * of them may ever mean "any of these".
 */
export async function readFields(ctx: Context): Promise<Fields> {
  const type = ctx.is('application/x-www-form-urlencoded', 'application/json');
  if (type === false || type === null) {
    throw new Fault('unsupported_media_type', 415, 'send a form or a JSON object');
  }
  const charset = ctx.request.charset.toLowerCase();
  if (charset !== '' && charset !== 'utf-8') throw new Fault('unsupported_media_type', 415, 'send UTF-8');
  if (ctx.get('Content-Encoding') !== '') throw new Fault('unsupported_media_type', 415, 'send it uncompressed');
  const text = await rawBody(ctx.req, { limit: mostBytes, length: ctx.request.length, encoding: 'utf-8' }).catch(
    (error: { status?: number }) => {
      throw new Fault('body', error.status === 413 ? 413 : 400, 'the request body cannot be read');
    },
  );
  return type.endsWith('json') ? fromJson(text) : fromForm(text);
}

function fromForm(text: string): Fields {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw new InvalidInput(name, 'this field came twice');
    if (fields.size >= mostFields) throw new InvalidInput('', 'too many fields');
    fields.set(name, value);
  }
  return fields;
}

function fromJson(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInput('', 'this is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidInput('', 'send a JSON object');
  }
  const entries = Object.entries(value);
  if (entries.length > mostFields) throw new InvalidInput('', 'too many fields');
  return new Map(
    entries.map(([name, item]) => {
      if (typeof item !== 'string') throw new InvalidInput(name, 'this field must be text');
      return [name, item];
    }),
  );
}
