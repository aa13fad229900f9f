import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replicasVariable, startConformanceService } from '../support/conformance-service.ts';

// This file runs in a process of its own: every plan that follows starts its service so.
process.env[replicasVariable] = '3';

test('E35 the plans that follow run over three replicas behind a proxy that takes them in turn', async () => {
  const service = await startConformanceService();
  try {
    const served = new Set<string | null>();
    for (let asked = 0; asked < 6; asked += 1) {
      const answer = await fetch(`${service.issuer}/.well-known/openid-configuration`);
      served.add(answer.headers.get('x-replica'));
      assert.equal(((await answer.json()) as { issuer: string }).issuer, service.issuer);
    }
    assert.equal(served.size, 3);
  } finally {
    await service.close();
  }
});

await import('./config-op.test.ts');
await import('./basic-op.test.ts');
await import('./form-post-op.matrix.ts');
await import('./rp-initiated-logout-op.test.ts');
await import('./back-channel-logout-op.test.ts');
await import('./fapi-security-profile-op.matrix.ts');
