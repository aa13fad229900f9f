import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { projectFolder } from '../support/paths.ts';

const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');
const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: projectFolder })];

test('every action is pinned by hash, and every workflow has the least permissions', () => {
  for (const path of globSync('.github/workflows/*.yml', { cwd: projectFolder })) {
    const text = read(path);
    for (const [, action = ''] of text.matchAll(/uses: (\S+)/g)) assert.match(action, /^[\w./-]+@[0-9a-f]{40}$/, path);
    assert.deepEqual((parse(text) as { permissions: unknown }).permissions, { contents: 'read' }, path);
  }
});

test('compose.yaml names only secrets and services that are there', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, { secrets?: string[]; depends_on?: object; image?: string }>;
    secrets: Record<string, { file: string }>;
  };
  const made = read('deploy/make-secrets.sh');
  for (const { file } of Object.values(compose.secrets)) {
    const name = file.split('/').at(-1) ?? '';
    assert.ok(
      made.includes(`make ${name} `) || made.includes(`secrets/${name} <<`),
      `make-secrets.sh makes no ${name}`,
    );
  }
  for (const [name, service] of Object.entries(compose.services)) {
    for (const secret of service.secrets ?? []) assert.ok(compose.secrets[secret], `${name}: ${secret}`);
    const needs = Array.isArray(service.depends_on)
      ? (service.depends_on as string[])
      : Object.keys(service.depends_on ?? {});
    for (const needed of needs) assert.ok(compose.services[needed], `${name}: ${needed}`);
    assert.ok(service.image !== undefined && !service.image.endsWith(':latest'), `${name} is pinned to a version`);
  }
});

test('every link between the documents leads somewhere', () => {
  for (const path of documents) {
    for (const [, target = ''] of read(path).matchAll(/\]\((?!https?:|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(projectFolder, dirname(path), target)), `${path} links to ${target}`);
    }
  }
});

test('every heading that a link names is there', () => {
  for (const path of documents) {
    for (const [, target = '', anchor = ''] of read(path).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)) {
      const file = target === '' ? path : join(dirname(path), target);
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replace(/\s/g, '-'),
      );
      assert.ok(headings.includes(anchor), `${path} links to ${target}#${anchor}`);
    }
  }
});

test('every setting that a document or a deployment file names is a setting', () => {
  const known = read('config/settings.md');
  const paths = [...documents, 'compose.yaml', 'helm/twofold/templates/_helpers.tpl', 'Dockerfile'];
  for (const path of paths) {
    for (const [name] of read(path).matchAll(/\bTWOFOLD_[A-Z_]+\b/g)) {
      const plain = name.replace(/_FILE$/, '');
      if (['TWOFOLD_CONFIG'].includes(plain)) continue;
      assert.ok(
        [name, plain].some((one) => known.includes(`\`${one}\``)),
        `${path} names ${name}`,
      );
    }
  }
});
