import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { auditEventTypes } from '../../src/domain/audit-event.ts';
import { projectFolder } from '../support/paths.ts';
import { none, occurrences, readSources, withoutComments } from '../support/source-tree.ts';

const modules = readSources('src', 'migrations', 'test', 'bench', 'tools', 'examples');
const outside = new Set(['node_modules', '.git', 'data', '.cache', 'coverage', 'build']);
const files = globSync('**/*', { cwd: projectFolder, exclude: (name) => outside.has(name) })
  .concat(globSync(['.*', '.*/**'], { cwd: projectFolder, exclude: (name) => outside.has(name) }))
  .filter((path) => !outside.has(path.split('/')[0] ?? '') && !path.includes('node_modules'))
  .filter((path) => existsSync(join(projectFolder, path)) && statSync(join(projectFolder, path)).isFile());

// Tests and their samples are lists; they may be half as long again.
const mostLines = (path: string): number => (path.startsWith('test/') ? 450 : 300);

/** What a generator writes has no subjects. */
const generated = new Set(['test/support/admin-api-types.ts']);

test('no module is longer than 300 lines', () => {
  const long = modules
    .filter(({ path }) => !generated.has(path))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ path, lines }) => lines > mostLines(path))
    .map(({ path, lines }) => `${path} has ${lines}`);
  none(long, 'It has found its second subject: give that a module of its own.');
});

test('names of modules are in kebab-case, and no folder is a drawer', () => {
  const names = modules.map(({ path }) => path);
  const odd = names.filter((path) => !/^([a-z0-9.-]+\/)*[a-z0-9.-]+\.ts$/.test(path));
  const drawers = names.filter((path) => /(^|\/)(utils?|helpers?|common|misc|lib)(\/|\.ts$)/.test(path));
  none([...odd, ...drawers], 'Name a module after what it does; a drawer is named after nothing.');
});

test('the time is taken from the clock, and randomness from crypto/', () => {
  const faults = modules
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ path, text }) => [
      ...(path === 'src/clock.ts'
        ? []
        : occurrences(path, withoutComments(text), /\bnew Date\(\s*\)|\bDate\.now\b|\bDate\(\)/g)),
      // the data folder makes keys before there is anything else
      ...(path.startsWith('src/crypto/') || path === 'src/config/data-folder.ts'
        ? []
        : occurrences(
            path,
            withoutComments(text),
            /\b(?:randomBytes|randomUUID|randomInt|getRandomValues|Math\.random)\b/g,
          )),
    ]);
  none(faults, 'Take a Clock (src/clock.ts), and newId() or newToken() (src/crypto/random.ts).');
});

test('K19 every library is pinned by its hash, comes from the registry, and is not older than its last mended fault', () => {
  const lock = JSON.parse(readFileSync(join(projectFolder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; resolved?: string; integrity?: string; link?: boolean }>;
  };
  const packages = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && !link,
  );
  const loose = packages
    .filter(
      ([, { integrity, resolved }]) =>
        !integrity?.startsWith('sha512-') ||
        (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    )
    .map(([path]) => path);
  none(loose, 'npm ci must fetch what was reviewed.');
  const least: Record<string, readonly [number, number, number]> = {
    koa: [3, 1, 2],
    jose: [6, 0, 0],
    'oidc-provider': [9, 0, 0],
    nodemailer: [7, 0, 7],
    undici: [7, 5, 0],
  };
  const older = packages
    .map(([path, { version }]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), version }))
    .filter(({ name, version }) => {
      const floor = least[name];
      if (floor === undefined) return false;
      const parts = version.split(/[.-]/).map(Number);
      const at = floor.findIndex((part, index) => (parts[index] ?? 0) !== part);
      return at !== -1 && (parts[at] ?? 0) < (floor[at] ?? 0);
    })
    .map(({ name, version }) => `${name}@${version}`);
  none(older, 'This version has a known fault.');
});

test('every type of the record is written somewhere', () => {
  // What only reads the record names its types as well.
  const readers = /^src\/(domain\/|audit\/event-schemas\.ts|operations\/event-outcomes\.ts)/;
  const writers = modules
    .filter(({ path }) => path.startsWith('src/') && !readers.test(path))
    .map(({ text }) => withoutComments(text))
    .join('\n');
  const unwritten = Object.keys(auditEventTypes).filter(
    (type) => !writers.includes(`'${type}'`) && !writers.includes(`\`${type.split('.')[0]}.\${`),
  );
  none(unwritten, 'A type that nothing writes tells an operator that it never happens.');
});

test('no file names a path of the machine it was written on', () => {
  const pattern = /(?<![\w.$}-])\/(?:work|root|home\/[a-z][\w-]*|Users\/[A-Za-z][\w-]*)\/[\w.-]+/g;
  const faults = files
    .filter((path) => !/\.(png|jpg|webp|ico|woff2?|tgz|gz)$/.test(path))
    .flatMap((path) => occurrences(path, readFileSync(join(projectFolder, path), 'utf8'), pattern));
  none(faults, 'A clone lies elsewhere.');
});
