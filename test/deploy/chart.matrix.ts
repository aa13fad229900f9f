import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { cacheFolder, projectFolder } from '../support/paths.ts';
import { fetchDebianPackages } from '../support/servers/debian-package.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [key: string]: unknown;
}

const chart = join(projectFolder, 'helm', 'twofold');
const packages = [
  'golang-1.19-go',
  'golang-1.19-src',
  'golang-github-masterminds-sprig-dev',
  'golang-github-ghodss-yaml-dev',
  'golang-github-google-uuid-dev',
  'golang-github-huandu-xstrings-dev',
  'golang-github-imdario-mergo-dev',
  'golang-github-masterminds-goutils-dev',
  'golang-github-masterminds-semver-dev',
  'golang-golang-x-crypto-dev',
  'golang-github-mitchellh-copystructure-dev',
  'golang-github-mitchellh-reflectwalk-dev',
  'golang-golang-x-sys-dev',
  'golang-github-shopspring-decimal-dev',
  'golang-github-spf13-cast-dev',
  'golang-gopkg-yaml.v2-dev',
];
let program = '';

before(async () => {
  const root = await fetchDebianPackages('go', packages);
  assert.ok(root, 'no Go to render the chart with: Debian packages could not be fetched');
  program = join(cacheFolder('go'), 'render-chart');
  const goRoot = join(root, 'usr', 'lib', 'go-1.19');
  execFileSync(join(goRoot, 'bin', 'go'), ['build', '-o', program, 'tools/render-chart/main.go'], {
    cwd: projectFolder,
    env: {
      ...process.env,
      GOROOT: goRoot,
      GO111MODULE: 'off',
      CGO_ENABLED: '0',
      GOPATH: join(root, 'usr', 'share', 'gocode'),
      GOCACHE: join(cacheFolder('go'), 'cache'),
    },
  });
});

function render(...values: string[]): Manifest[] {
  const files = ['values.yaml', ...values].map((file) => join(chart, file));
  const text = execFileSync(program, [chart, ...files], { encoding: 'utf8' });
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    return (document.toJS() as Manifest | null) ?? [];
  });
}

/** Kinds of operators that Kubernetes itself does not know; their schemas come with them. */
const foreign = new Set(['ServiceMonitor', 'PrometheusRule']);

for (const values of [[], ['ci/production-values.yaml'], ['ci/everything-values.yaml']]) {
  test(`the chart renders to valid Kubernetes objects with ${values[0] ?? 'its defaults'}`, async () => {
    const manifests = render(...values);
    assert.ok(manifests.length >= 6);
    for (const manifest of manifests) {
      assert.match(manifest.metadata.name, /^[a-z0-9-]+$/);
      if (foreign.has(manifest.kind)) continue;
      const models = (await import(`kubernetes-models/${manifest.apiVersion}`)) as Record<
        string,
        new (data: object) => { validate(): void }
      >;
      const Model = models[manifest.kind];
      assert.ok(Model, `${manifest.apiVersion} ${manifest.kind} is no kind of Kubernetes`);
      new Model(manifest).validate();
    }
  });
}

test('every pod runs as an ordinary user on a read-only file system, without rights and without a token', () => {
  for (const values of [[], ['ci/everything-values.yaml']]) {
    for (const { spec } of render(...values).filter(({ kind }) => kind === 'Deployment' || kind === 'Job')) {
      const pod = (spec as { template: { spec: Record<string, unknown> } }).template.spec;
      assert.equal(pod['automountServiceAccountToken'], false);
      assert.equal((pod['securityContext'] as { runAsNonRoot: boolean }).runAsNonRoot, true);
      for (const { securityContext } of pod['containers'] as { securityContext: object }[]) {
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  }
});

test('no secret stands in a manifest: each is a file that an existing Secret gives', () => {
  const text = JSON.stringify(render('ci/everything-values.yaml'));
  assert.doesNotMatch(text, /"kind":"Secret"|secretKeyRef/);
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'ENCRYPTION_KEYS', 'COOKIE_KEYS']) {
    assert.match(text, new RegExp(`"name":"${name}_FILE"`));
    assert.doesNotMatch(text, new RegExp(`"name":"${name}"`));
  }
});

test('metrics have no way in from outside', () => {
  const ingresses = render('ci/everything-values.yaml').filter(({ kind }) => kind === 'Ingress');
  assert.equal(ingresses.length, 1);
  assert.doesNotMatch(JSON.stringify(ingresses), /metrics|9100/);
});

test('every alert has a runbook', () => {
  const runbooks = readFileSync(join(projectFolder, 'docs', 'runbooks.md'), 'utf8').toLowerCase();
  const alerts = readFileSync(join(chart, 'alerts.yaml'), 'utf8');
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => (name ?? '').toLowerCase());
  assert.ok(names.length > 0);
  for (const name of names) assert.match(runbooks, new RegExp(`^## ${name}$`, 'm'));
});

test('every metric that an alert or the dashboard asks for is one that the service has', () => {
  const code = globSync('src/**/*.ts', { cwd: projectFolder }).map((file) =>
    readFileSync(join(projectFolder, file), 'utf8'),
  );
  const asked = ['alerts.yaml', 'dashboards/twofold.json']
    .map((file) => readFileSync(join(chart, file), 'utf8'))
    .join('\n');
  for (const [name] of asked.matchAll(/twofold_[a-z_]+/g)) {
    const metric = name.replace(/_(bucket|count|sum)$/, '');
    assert.ok(
      code.some((text) => text.includes(`'${metric}'`)),
      `${metric} is no metric of the service`,
    );
  }
  assert.ok(existsSync(join(chart, 'values.schema.json')));
});
