import type { Context } from 'koa';
import type { z } from 'zod';
import { Fault, InvalidInput } from '../../errors.ts';
import { readText } from '../../http/forms.ts';
import type { Route } from './route.ts';

const mostBytes = 262_144;

/** What a call brought, as text: for its schema, and for the fingerprint of a repeat. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly bodyText: string;
}

/** Reads the body where the route has one. Throws `Fault` 400, 413, 415. */
export async function readRaw(ctx: Context, route: Route, params: Record<string, string>): Promise<RawRequest> {
  const type = (ctx.get('Content-Type').split(';')[0] ?? '').trim().toLowerCase();
  if (route.streams !== undefined) {
    if (type !== route.streams) throw unsupported(route.streams);
    return { params, query: ctx.query, bodyText: '' };
  }
  const bodyText = await readText(ctx.req, mostBytes);
  if (bodyText === '') return { params, query: ctx.query, bodyText };
  if (route.body === undefined) throw new InvalidInput('', 'this call has no body');
  const types = route.method === 'patch' ? ['application/json', 'application/merge-patch+json'] : ['application/json'];
  if (!types.includes(type)) throw unsupported('application/json');
  return { params, query: ctx.query, bodyText };
}

/** What the schemas make of it. Throws `InvalidInput` that names the field: `unknown_field`, `read_only_field`, … */
export function checkRequest(route: Route, { params, query, bodyText }: RawRequest) {
  return {
    params: route.params === undefined ? undefined : parse(route, route.params, params),
    query: checkQuery(route, query),
    body: route.body === undefined ? undefined : parseBody(route, route.body, bodyText),
  };
}

function checkQuery(route: Route, query: Readonly<Record<string, unknown>>): unknown {
  if (route.query !== undefined) return parse(route, route.query, query);
  const [name] = Object.keys(query);
  if (name !== undefined) throw new InvalidInput(shown(name), 'this call has no such parameter', 'unknown_field');
  return undefined;
}

function parseBody(route: Route, schema: z.ZodType, text: string): unknown {
  if (text === '') {
    if (route.bodyOptional === true) return undefined;
    throw new InvalidInput('', 'this call needs a body');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InvalidInput('', 'the body is no JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InvalidInput('', 'the body is a JSON object');
  }
  refusePrototypes(json, []);
  return parse(route, schema, json);
}

function parse(route: Route, schema: z.ZodType, value: unknown): unknown {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map((part) => shown(String(part)));
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0] ?? '';
    const field = [...path, shown(name)].join('.');
    if (path.length === 0 && route.readOnly?.includes(name) === true) {
      throw new InvalidInput(field, 'this field cannot be written', 'read_only_field');
    }
    throw new InvalidInput(field, 'there is no such field', 'unknown_field');
  }
  throw new InvalidInput(path.join('.'), issue?.message ?? 'is wrong');
}

/** Names that would reach an object's prototype mean nothing here, wherever they stand. */
function refusePrototypes(value: unknown, path: readonly string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (path.length > 50) throw new InvalidInput(path.slice(0, 3).join('.'), 'is nested too deeply');
  for (const [name, inner] of Object.entries(value)) {
    if (name === '__proto__')
      throw new InvalidInput([...path, name].join('.'), 'there is no such field', 'unknown_field');
    refusePrototypes(inner, [...path, shown(name)]);
  }
}

/** A name a stranger wrote, as it may be shown. */
function shown(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 60);
}

function unsupported(type: string): Fault {
  return new Fault('unsupported_media_type', 415, `send ${type}, in UTF-8`);
}

/** The version of `If-Match`; undefined where there is none, or any will do. Throws `Fault` 412 for what is none of ours. */
export function readIfMatch(ctx: Context): number | undefined {
  const text = ctx.get('If-Match').trim();
  if (text === '' || text === '*') return undefined;
  const version = /^"(\d{1,9})"$/.exec(text)?.[1];
  if (version === undefined) throw new Fault('version_changed', 412, 'this ETag was not made here');
  return Number(version);
}
