import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { openApiDocument } from '../../src/admin/api/openapi.ts';
import { assertDescribed, serviceToken } from '../support/admin-app.ts';
import { projectFolder } from '../support/paths.ts';
import { startService, type TestService } from '../support/service.ts';

const document = openApiDocument();

describe('the document of the admin API', () => {
  let service: TestService;
  let token = '';
  before(async () => {
    service = await startService('embedded', { environment: { TWOFOLD_ADMIN_CALLS_PER_MINUTE: '100000' } });
    token = await serviceToken(service, 'fuzz');
  });
  after(() => service.close());

  test('is served, and passes a linter without a warning', async () => {
    const served = await fetch(`${service.issuer}/admin/api/v1/openapi.json`);
    const text = await served.text();
    assert.equal((JSON.parse(text) as { openapi: string }).openapi, '3.1.1');
    const folder = mkdtempSync(join(tmpdir(), 'twofold-openapi-'));
    try {
      writeFileSync(join(folder, 'openapi.json'), text);
      writeFileSync(join(folder, 'redocly.yaml'), 'extends: [recommended-strict]\n');
      const program = join(projectFolder, 'node_modules/.bin/redocly');
      await promisify(execFile)(program, ['lint', 'openapi.json', '--config', 'redocly.yaml'], {
        cwd: folder,
        env: { PATH: process.env['PATH'], REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('no input of any shape makes a call fail with a fault of ours, and every answer is described', async () => {
    const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
        const operation = item[method];
        return operation === undefined || path === '/sessions' ? [] : [{ path, method, operation }];
      }),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('', '__proto__', '\u0000', '../..', '%00', "' or 1=1", '9'.repeat(30), '\ud800', 'a'.repeat(300)),
    );
    for (const { path, method, operation } of operations) {
      const fields = bodyFields(operation.requestBody);
      const names = (operation.parameters ?? []).flatMap((one) =>
        'name' in one && one.in === 'query' ? [one.name] : [],
      );
      const body = fc.oneof(
        fc.json({ maxDepth: 3 }),
        fc.dictionary(fc.oneof(fc.constantFrom(...fields, '__proto__'), text), fc.jsonValue({ maxDepth: 2 }), {
          maxKeys: 5,
        }),
      );
      const query = fc.dictionary(fc.constantFrom(...names, 'unknown'), text, { maxKeys: 3 });
      await fc.assert(
        fc.asyncProperty(body, query, text, async (payload, parameters, part) => {
          const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(toWellFormed(part)) || 'x');
          const search = new URLSearchParams(
            Object.entries(parameters).map(([name, value]): [string, string] => [name, toWellFormed(value)]),
          );
          const hasBody = method !== 'get' && method !== 'delete';
          const response = await fetch(`${service.issuer}/admin/api/v1${filled}?${search.toString()}`, {
            method: method.toUpperCase(),
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            ...(hasBody ? { body: typeof payload === 'string' ? payload : JSON.stringify(payload) } : {}),
          });
          assert.ok(response.status < 500, `${method} ${filled}: ${response.status}`);
          // A part that is no part of a path leads elsewhere: to no call at all.
          if (response.status !== 404 && response.status !== 405) await assertDescribed(path, method, response);
          else await response.text();
        }),
        { numRuns: 12, seed: 5, endOnFailure: true },
      );
    }
  });
});

function toWellFormed(value: string): string {
  return value.toWellFormed();
}

function bodyFields(body: unknown): string[] {
  const { content } = (body ?? {}) as { content?: Record<string, { schema?: { $ref?: string; properties?: object } }> };
  const schema = content?.['application/json']?.schema;
  const named = schema?.$ref?.split('/').at(-1);
  const resolved = named === undefined ? schema : document.components?.schemas?.[named];
  return Object.keys((resolved as { properties?: object } | undefined)?.properties ?? {});
}
