import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, syslogMessage, type SyslogEvent } from '../../src/notifications/syslog-message.ts';
import { readRecord } from '../support/syslog-server.ts';

const sender = { host: 'id.example', processId: 42 };
const event: SyslogEvent = {
  id: '7',
  at: '2026-11-24T12:00:00.000Z',
  type: 'password.refused',
  actor: 'anonymous',
  target: '',
  result: 'failure',
  reason: null,
  request_id: 'r1',
  address: '203.0.113.7',
  user_agent: 'Browser',
  details: {},
};

test('a record has the header of RFC 5424, structured data without what is not there, and the event in JSON', () => {
  const text = syslogMessage(event, sender);
  assert.match(
    text,
    /^<108>1 2026-11-24T12:00:00\.000Z id\.example twofold 42 password\.refused \[twofold@32473 id="7" /,
  );
  const { fields, message } = readRecord(text);
  assert.deepEqual(Object.keys(fields), ['id', 'actor', 'result', 'request_id', 'address', 'user_agent']);
  assert.deepEqual(JSON.parse(message), event);
  assert.match(syslogMessage({ ...event, result: 'success' }, sender), /^<109>1 /);
});

test('octets are counted, not characters', () => {
  assert.equal(frame('é]').toString('utf8'), '3 é]');
});

const hostile = [
  'a"] [other@1 x="y',
  'back\\slash\\"]',
  'one\r\ntwo<34>1 forged',
  '\u001b[31mred\u001b[0m',
  'line\u2028and\u2029paragraph\u0085next',
  '\u202Eright to left',
  '\0nul',
  '𝄞 ü \ud800 alone',
  'x'.repeat(1_000_000),
];
for (const text of hostile) {
  test(`K10 stays one record and one field: ${JSON.stringify(text.slice(0, 30))}`, () => {
    const hostileEvent = { ...event, user_agent: text, reason: text, type: `odd ${text}`.slice(0, 100) };
    const record = syslogMessage(hostileEvent, { ...sender, host: text });
    assert.doesNotMatch(record.replace('\u{FEFF}', ''), /[\p{Cc}\u2028\u2029]/u);
    const { fields, message, structures } = readRecord(record);
    assert.equal(structures, 1);
    assert.deepEqual(Object.keys(fields), ['id', 'actor', 'result', 'reason', 'request_id', 'address', 'user_agent']);
    assert.ok((fields['user_agent'] ?? '').length <= 500);
    assert.equal((JSON.parse(message) as SyslogEvent).id, '7');
  });
}
