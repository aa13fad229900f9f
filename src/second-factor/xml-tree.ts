import { SaxesParser } from 'saxes';
import { InvalidInput } from '../errors.ts';

/** An element with what is in it; names without their prefix, the namespace beside. */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, trimmed. */
  readonly text: string;
}

const deepest = 32;

/**
 * Reads a document strictly. One with a `<!DOCTYPE>` is refused: entities that name files or grow without end are made
 * nowhere else. Throws `InvalidInput`.
 */
export function readXml(text: string): XmlElement {
  const refuse = (reason: string): never => {
    throw new InvalidInput('file', `the document cannot be read: ${reason}`);
  };
  type Open = { -readonly [Name in keyof XmlElement]: XmlElement[Name] } & { children: XmlElement[] };
  const open: Open[] = [];
  let root: XmlElement | undefined;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => refuse(error.message));
  parser.on('doctype', () => refuse('it has a document type, and may have none'));
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (open.length >= deepest) refuse(`it is nested deeper than ${deepest} elements`);
    const own = Object.values(attributes).map(({ local: name, value }) => [name, value] as const);
    open.push({ name: local, namespace: uri, attributes: Object.fromEntries(own), children: [], text: '' });
  });
  parser.on('text', (piece) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  });
  parser.on('cdata', (piece) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (element === undefined) return;
    element.text = element.text.trim();
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  parser.write(text).close();
  return root ?? refuse('it is empty');
}

/** The first element of that name on this path below, or undefined. */
export function below(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}
