import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { projectFolder } from './paths.ts';

/** One import of a module: the file or package it names, its line, and whether types alone come through it. */
export interface Import {
  target: string;
  line: number;
  typesOnly: boolean;
}

/** A module of the project: its path from the project's folder, with `/`, its text and its imports. */
export interface SourceFile {
  path: string;
  text: string;
  imports: Import[];
}

const statement =
  /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]*?\s?from\s*)?(['"])([^'"\n]+)\2|\bimport\(\s*(['"])([^'"\n]+)\4\s*\)/gm;

/** Reads every TypeScript module under the named folders of the project. */
export function readSources(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: projectFolder }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(projectFolder, path), 'utf8');
      return { path, text, imports: importsOf(path, text) };
    });
}

/** The imports of one module; relative ones become paths from the project's folder, packages their name. */
export function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(statement)].map((match) => {
    const named = match[3] ?? match[5] ?? '';
    return {
      target: named.startsWith('.') ? posix.join(dirname(path), named) : packageName(named),
      line: text.slice(0, match.index + match[0].length).split('\n').length,
      typesOnly: match[1] !== undefined,
    };
  });
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The text with its comments blanked, line for line. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, (comment) => comment.replaceAll(/[^\n]/g, ' '));
}

/** Every place of `text` that the pattern finds, as `path:line has "…"`. */
export function occurrences(path: string, text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(
    (match) => `${path}:${text.slice(0, match.index).split('\n').length} has "${match[0]}"`,
  );
}

/** Fails with every fault on a line of its own, and with what to do instead. */
export function none(faults: string[], advice: string): void {
  if (faults.length > 0) assert.fail(`\n${faults.map((fault) => `  ${fault}`).join('\n')}\n${advice}`);
}
