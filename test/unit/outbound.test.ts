import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createOutbound, OutboundRefused } from '../../src/notifications/outbound.ts';

describe('the way out', () => {
  let server: Server;
  let port = 0;
  let reached = 0;
  before(async () => {
    server = createServer((request, response) => {
      reached += 1;
      if (request.url === '/redirect') response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
      else if (request.url === '/large') response.end('x'.repeat(100_000));
      else if (request.url === '/never') response.write('x');
      else response.end('ok');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('J06 reaches no private, loopback or special address, however it is written', async () => {
    const refused: string[] = [];
    const outbound = createOutbound({ allowed: [], onRefused: (host) => refused.push(host) });
    const hosts = [
      '127.0.0.1',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '[fd00::1]',
      '[fe80::1]',
      '[64:ff9b::7f00:1]',
      '2130706433',
      '0x7f.1',
      '017700000001',
      'localhost',
      'localhost.',
      'any.localhost',
    ];
    for (const host of hosts) {
      for (const scheme of ['http', 'https']) {
        await assert.rejects(outbound.fetch(`${scheme}://${host}:${port}/`), OutboundRefused, `${scheme}://${host}`);
      }
    }
    for (const url of ['file:///etc/passwd', 'gopher://127.0.0.1/', 'unix:/run/x', 'http://example.com/']) {
      await assert.rejects(outbound.fetch(url), OutboundRefused, url);
    }
    await assert.rejects(outbound.fetch('https://user:secret@example.com/'), OutboundRefused);
    assert.equal(reached, 0);
    assert.ok(refused.length >= hosts.length * 2);
    await outbound.close();
  });

  test('J06 reaches what an operator allowed, by host or by network, and nothing beside it', async () => {
    const byHost = createOutbound({ allowed: ['localhost'] });
    assert.equal((await byHost.fetch(`http://localhost:${port}/`)).status, 200);
    await assert.rejects(byHost.fetch(`http://127.0.0.1:${port}/`), OutboundRefused);
    const byNetwork = createOutbound({ allowed: ['127.0.0.0/8'] });
    assert.equal((await byNetwork.fetch(`http://127.0.0.1:${port}/`)).status, 200);
    await assert.rejects(byNetwork.fetch(`http://10.0.0.1:${port}/`), OutboundRefused);
    await Promise.all([byHost.close(), byNetwork.close()]);
  });

  test('follows no redirect, and takes no more than it was told', async () => {
    const outbound = createOutbound({ allowed: ['localhost'], mostBytes: 1000, timeoutMilliseconds: 300 });
    assert.equal((await outbound.fetch(`http://localhost:${port}/redirect`)).status, 302);
    const large = await outbound.fetch(`http://localhost:${port}/large`);
    await assert.rejects(large.text());
    const never = await outbound.fetch(`http://localhost:${port}/never`);
    await assert.rejects(never.text());
    await outbound.close();
  });
});
