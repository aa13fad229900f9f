import { test } from 'node:test';
import { none, occurrences, readSources, withoutComments, type SourceFile } from '../support/source-tree.ts';
import { doors, importersOfCompose, leaves, places } from './import-rules.ts';

const sources = readSources('src', 'migrations');
const everywhere = [...sources, ...readSources('test', 'bench', 'tools', 'examples')];

function holds(place: string, path: string): boolean {
  return place === '' || place.endsWith('/') ? path.startsWith(place) : path === place;
}

function placeOf(path: string): string | undefined {
  return Object.keys(places)
    .filter((place) => holds(place, path))
    .sort((one, other) => other.length - one.length)[0];
}

test('every module of src has its place in the table', () => {
  const strays = sources
    .map(({ path }) => path)
    .filter((path) => path.startsWith('src/') && !leaves.includes(path.slice(4)) && !placeOf(path.slice(4)));
  none(strays, 'Put the module into a folder of the table, or the folder into test/structure/import-rules.ts.');
});

test('modules import only what the table allows their place', () => {
  const faults = sources.filter(({ path }) => path.startsWith('src/')).flatMap(forbiddenImports);
  none(faults, 'Ask for it by a small type of your own and let compose.ts wire it; the table is docs/architecture.md.');
});

function forbiddenImports({ path, imports }: SourceFile): string[] {
  const from = path.slice('src/'.length);
  const place = placeOf(from);
  const { may, mayTypes = [] } = (place === undefined ? undefined : places[place]) ?? { may: [] };
  return imports
    .filter(({ target }) => target.startsWith('src/'))
    .filter(({ target, typesOnly }) => {
      const to = target.slice('src/'.length);
      if (leaves.includes(to)) return false;
      if (place !== undefined && placeOf(to) === place) return false;
      return ![...may, ...(typesOnly ? mayTypes : [])].some((allowed) => holds(allowed, to));
    })
    .map(({ target, line, typesOnly }) => {
      const what = typesOnly ? 'types of ' : '';
      return `${path}:${line} imports ${what}${target}; ${place ?? 'it'} may import ${may.join(', ') || 'nothing of ours'}`;
    });
}

test('each package has its door', () => {
  const faults = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => Object.hasOwn(doors, target))
      .filter(({ target }) => !(doors[target] ?? []).some((door) => holds(door, path)))
      .map(({ target, line }) => `${path}:${line} imports ${target}; its door is ${doors[target]?.join(' or ')}`),
  );
  none(faults, 'Go through the module behind that door.');
});

test('the rules of the domain are pure: no waiting, no clock, no settings, no packages but otpauth', () => {
  const faults = sources
    .filter(({ path }) => path.startsWith('src/domain/'))
    .flatMap(({ path, text, imports }) => [
      ...imports
        .filter(({ target }) => !target.startsWith('src/') && target !== 'node:crypto' && target !== 'otpauth')
        .map(({ target, line }) => `${path}:${line} imports ${target}`),
      ...occurrences(
        path,
        withoutComments(text),
        /\b(?:async|await)\b(?=\s+[\w(])|\bprocess\.|\bnew Date\(\s*\)|\bDate\.now\b/g,
      ),
    ]);
  none(faults, 'Time, randomness and settings are arguments of a rule.');
});

test('migrations import kysely alone', () => {
  const faults = sources
    .filter(({ path }) => path.startsWith('migrations/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target !== 'kysely')
        .map(({ target, line }) => `${path}:${line} imports ${target}`),
    );
  none(faults, 'A migration must mean in ten years what it means today.');
});

test('the composition root is imported by the programs and by test support alone', () => {
  const faults = everywhere
    .filter(({ path }) => !importersOfCompose.some((place) => holds(place, path)))
    .flatMap(({ path, imports }) =>
      imports.filter(({ target }) => /^src\/compose(\.ts|\/)/.test(target)).map(({ line }) => `${path}:${line}`),
    );
  none(faults, 'Take what you need as an argument.');
});

test('a step of the interaction imports no other step', () => {
  const steps = ['password', 'one-time-code', 'recovery-code', 'enrolment', 'consent'].map(
    (name) => `src/interaction/${name}.ts`,
  );
  const faults = sources
    .filter(({ path }) => steps.includes(path))
    .flatMap(({ path, imports }) =>
      imports.filter(({ target }) => steps.includes(target)).map(({ target, line }) => `${path}:${line} ${target}`),
    );
  none(faults, 'A step does its one job and goes back; the next one is decided in domain/next-step.ts.');
});

test('modules import one another without cycles', () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [path, imports.filter((one) => !one.typesOnly).map(({ target }) => target)]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || finished.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  none(cycles, 'Move what both need into a module of its own.');
});
