import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService } from '../support/service.ts';
import { halfway, newBrowserOf, wrongCodes } from '../support/sign-in.ts';

for (const shape of ['servers', 'embedded'] as const) {
  test(`K18 metrics count what happened, without a word of a person, and not on the public port (${shape})`, async () => {
    const port = await freePort();
    const service = await startService(shape, { environment: { TWOFOLD_METRICS_PORT: String(port) } });
    try {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const [wrong = ''] = wrongCodes(person, 1);
      const again = await agent.submit(step, { code: wrong });
      await agent.submit(again, { code: person.code() });
      await newBrowserOf(service).get('/an/address/of/a/stranger?with=a-secret');

      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
      const text = await response.text();
      for (const line of [
        'twofold_second_factor_total{result="wrong"} 1',
        'twofold_second_factor_total{result="accepted"} 1',
        'twofold_hash_queue_refused_total 0',
        'twofold_secret_unreadable_total 0',
      ]) {
        assert.ok(text.includes(`\n${line}\n`), `${line}\n${text.slice(0, 200)}`);
      }
      const counts = text.match(/^twofold_http_request_duration_seconds_count.*$/gm)?.join('\n') ?? '';
      assert.match(counts, /route="\/auth",status="303"/);
      assert.match(counts, /route="\/interaction\/:uid[^"]*",status="200"/);
      assert.match(counts, /route="other",status="404"/);
      for (const word of [person.id, person.username, 'stranger', 'secret"', '127.0.0.1', '45.']) {
        assert.ok(!text.includes(word), `${word} stands in the metrics`);
      }
      const chart = join(projectFolder, 'helm', 'twofold');
      const asked = ['alerts.yaml', 'dashboards/twofold.json'].map((file) => readFileSync(join(chart, file), 'utf8'));
      for (const [name] of asked.join('\n').matchAll(/\b(?:twofold|nodejs)_[a-z0-9_]+/g)) {
        assert.ok(text.includes(name), `${name} is asked for and not there`);
      }
      assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 404);
      assert.equal((await fetch(`${service.issuer}/metrics`)).status, 404);
      assert.deepEqual(await (await fetch(`${service.issuer}/healthz`)).json(), { status: 'alive' });
      assert.deepEqual(await (await fetch(`${service.issuer}/readyz`)).json(), { status: 'ready' });
    } finally {
      await service.close();
    }
  });
}
