import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { detailSchemas, faultsOfEvent, shownEventSchema } from '../../src/audit/event-schemas.ts';
import { exportAudit } from '../../src/audit/export.ts';
import type { AuditRecord } from '../../src/audit/audit-log.ts';
import { auditEventTypes, type AuditEventType } from '../../src/domain/audit-event.ts';
import { cleanDetails, cleanLine } from '../../src/domain/audit-text.ts';

const types = Object.keys(auditEventTypes) as AuditEventType[];

test('every type of event has a sentence and a schema, and JSON Schema can be made of each', () => {
  assert.deepEqual(Object.keys(detailSchemas), types);
  for (const type of types) {
    assert.match(auditEventTypes[type], /^[A-Z“].*\.$/);
    assert.equal(
      (z.toJSONSchema(shownEventSchema(type)) as { additionalProperties?: boolean }).additionalProperties,
      false,
    );
  }
});

test('an event of an unknown type, or with a fact its type does not bear, is found', () => {
  assert.deepEqual(faultsOfEvent({ type: 'password.accepted', details: { known: true } }), []);
  assert.equal(faultsOfEvent({ type: 'password.accepted', details: { password: 'x' } }).length, 1);
  assert.equal(faultsOfEvent({ type: 'one-time-code.refused', details: { lane: 'fast' } }).length, 1);
  assert.equal(faultsOfEvent({ type: 'toString' as AuditEventType }).length, 1);
});

test('K10 whatever a stranger sends becomes one line of bounded length that JSON carries unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
      const line = cleanLine(text);
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
      assert.ok(line.length <= 500);
      assert.ok(line.isWellFormed());
      assert.equal(JSON.parse(JSON.stringify(line)), line);
    }),
  );
  assert.equal(
    Object.keys(cleanDetails(Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`k${n}`, n])))).length,
    40,
  );
});

test('the export is one line of JSON an event', async () => {
  const record: AuditRecord = {
    id: '1',
    at: new Date(0),
    type: 'session.ended',
    actor: 'service',
    target: '',
    result: 'success',
    reason: null,
    details: {},
    requestId: 'r',
    address: null,
    userAgent: null,
    personal: null,
  };
  const reader = {
    async *stream() {
      yield record;
      yield { ...record, id: '2' };
    },
  };
  let text = '';
  for await (const line of exportAudit(reader, {})) text += line;
  const lines = text.split('\n');
  assert.equal(lines.length, 3);
  assert.deepEqual(shownEventSchema('session.ended').parse(JSON.parse(lines[1] ?? '')).id, '2');
});
