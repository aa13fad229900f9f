import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { RequestContext } from '../../domain/audit-event.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import type { Actor } from '../access.ts';
import type { AdminServices } from '../admin-services.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** One checked call. */
export interface Call<Params, Query, Body> {
  readonly services: AdminServices;
  readonly actor: Actor;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly context: RequestContext;
  /** The version of `If-Match`, where one was given. */
  readonly ifVersion: number | undefined;
  /** For a body that is read as it comes. */
  readonly request: IncomingMessage;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** Lines of NDJSON, sent as they are made. */
  readonly lines?: AsyncIterable<string>;
  /** Becomes the `ETag`. */
  readonly version?: number;
  /** Path below the API, of what was made. */
  readonly location?: string;
  /** Whom a read concerned, and how many things it told. */
  readonly read?: { readonly target?: string; readonly count: number };
}

/** What may be answered: a schema, or null for no body. */
export interface AnswerSchema {
  readonly description: string;
  readonly schema: z.ZodType | null;
  readonly contentType?: 'application/x-ndjson';
}

/** One call of the API: routing, checking and the OpenAPI document are all made from this. */
export interface Route {
  readonly method: Method;
  /** Below the API's own path, with `{name}` for what varies. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly scope: AdminScope;
  /** Tells of people or of the record: the reading itself is recorded. */
  readonly sensitive?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body may be left out. */
  readonly bodyOptional?: true;
  /** A body in this type is handed over as it comes. */
  readonly streams?: 'application/x-ndjson';
  /** Fields of the answer that nobody can write, for a clear refusal. */
  readonly readOnly?: readonly string[];
  readonly versioned?: true;
  readonly answers: Readonly<Record<number, AnswerSchema>>;
  /** Codes of problems beside those every call may have. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly handle: (call: Call<never, never, never>) => Promise<Answer>;
}

type OutputOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Gives a route's handler the types of its own schemas. */
export function route<
  const Params extends z.ZodObject | undefined = undefined,
  const Query extends z.ZodObject | undefined = undefined,
  const Body extends z.ZodType | undefined = undefined,
>(
  definition: Omit<Route, 'params' | 'query' | 'body' | 'handle'> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (call: Call<OutputOf<Params>, OutputOf<Query>, OutputOf<Body>>) => Promise<Answer>;
  },
): Route {
  return definition;
}
