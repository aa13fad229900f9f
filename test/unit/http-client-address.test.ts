import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientAddress, networkOf, unknownAddress } from '../../src/http/client-address.ts';

const addressOf = createClientAddress(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);
const proxy = '10.1.2.3';

test('B15 believes the peer, and X-Forwarded-For only from a trusted proxy', () => {
  assert.equal(addressOf('203.0.113.7', undefined), '203.0.113.7');
  assert.equal(addressOf('203.0.113.7', '198.51.100.1'), '203.0.113.7');
  assert.equal(addressOf(proxy, '198.51.100.1'), '198.51.100.1');
  assert.equal(addressOf('::ffff:203.0.113.7', undefined), '203.0.113.7');
});

test('B15 takes the right-most entry that no trusted proxy added, whatever the client wrote left of it', () => {
  assert.equal(addressOf(proxy, '1.1.1.1, 8.8.8.8, 198.51.100.1'), '198.51.100.1');
  assert.equal(addressOf(proxy, '1.1.1.1, 198.51.100.1, 192.0.2.1, 10.9.9.9'), '198.51.100.1');
  assert.equal(addressOf('fd00::1', '2001:db8::7'), '2001:db8::7');
  assert.equal(addressOf(proxy, '198.51.100.1:41234'), '198.51.100.1');
  assert.equal(addressOf(proxy, '[2001:db8::7]:41234'), '2001:db8::7');
});

test('B16 an address that cannot be read is the most limited one, never none', () => {
  for (const list of [
    'a',
    '',
    ' ',
    '198.51.100.1, x',
    'fe80::1%eth0',
    '0x7f.1',
    '1.2.3',
    '9'.repeat(10_000),
    'unknown',
  ]) {
    assert.equal(addressOf(proxy, list), unknownAddress, list.slice(0, 40));
  }
  assert.equal(addressOf(undefined, undefined), unknownAddress);
  assert.equal(addressOf('/run/socket', '198.51.100.1'), unknownAddress);
  assert.equal(addressOf(proxy, '10.0.0.1, 10.0.0.2'), unknownAddress);
});

test('a trusted proxy that forwards nothing is itself the client', () => {
  assert.equal(addressOf(proxy, undefined), proxy);
});

test('budgets are shared by a /24 and a /64', () => {
  assert.equal(networkOf('203.0.113.200'), '203.0.113.0');
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::');
  assert.equal(networkOf('nonsense'), unknownAddress);
});

test('refuses a trusted proxy that is neither an address nor a network', () => {
  for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '']) {
    assert.throws(() => createClientAddress([wrong]), /TRUSTED_PROXIES/, wrong);
  }
});
