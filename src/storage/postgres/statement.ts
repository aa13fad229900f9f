import { CompiledQuery, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** A part of a statement's text; within it stand its arguments' names, other parts, and numbers that never change. */
export interface Part<Given> {
  readonly texts: readonly string[];
  readonly values: readonly Value<Given>[];
}

type Value<Given> = (keyof Given & string) | Part<Given> | number;

/** Asks it of a database or transaction; answers the rows. */
export type Statement<Given, Row> = (db: Kysely<Tables>, given: Given) => Promise<Row[]>;

/** A part of a statement that stands in several, or is made by a rule. */
export function part<Given>(texts: TemplateStringsArray, ...values: readonly Value<Given>[]): Part<Given> {
  return { texts, values };
}

/** Text of our own, such as a column's name, as it is: never what came from outside. */
export function verbatim(text: string): Part<object> {
  return { texts: [text], values: [] };
}

/**
 * A statement whose text is made once, when its module is loaded, for those that every sign-in asks: the query builder
 * makes it anew each time. `${'userId'}` stands for the argument of that name; one that stands twice is sent once, so
 * that its type must be the same at both places (or be cast).
 */
export function statement<Given extends object, Row>(
  texts: TemplateStringsArray,
  ...values: readonly Value<Given>[]
): Statement<Given, Row> {
  const names: (keyof Given & string)[] = [];
  const text = textOf({ texts, values }, names);
  return async (db, given) => {
    const parameters = names.map((name) => given[name]);
    return (await db.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows;
  };
}

function textOf<Given>({ texts, values }: Part<Given>, names: (keyof Given & string)[]): string {
  const placed = values.map((value) => {
    if (typeof value === 'number') return String(value);
    if (typeof value === 'object') return textOf(value, names);
    if (!names.includes(value)) names.push(value);
    return `$${names.indexOf(value) + 1}`;
  });
  return texts.map((text, n) => text + (placed[n] ?? '')).join('');
}
