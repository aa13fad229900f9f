import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

// Sign-in screens of your own, under the issuer's origin: this server stands where people come in. It shows its own page
// for every step of a sign-in and passes everything else on, cookies and all. What the page does is in screens.js.
// ISSUER is the address people use; SERVICE is where Twofold listens behind this server.
const { ISSUER, SERVICE } = process.env;
const service = new URL(SERVICE);
const file = (name) => readFileSync(new URL(name, import.meta.url));
const screens = { page: file('screens.html'), script: file('screens.js') };

const server = createServer((incoming, response) => {
  const path = incoming.url.split('?')[0];
  const wantsPage = incoming.method === 'GET' && (incoming.headers.accept ?? '').includes('text/html');
  if (path === '/own-screens.js') return send(response, 'text/javascript', screens.script);
  if (wantsPage && /^\/interaction\/[^/]+$/.test(path)) return send(response, 'text/html', screens.page);
  const { host: _host, ...headers } = incoming.headers;
  // Twofold believes this only of the proxies that TRUSTED_PROXIES names.
  headers['x-forwarded-for'] = incoming.socket.remoteAddress;
  const { hostname, port } = service;
  const outgoing = request({ hostname, port, path: incoming.url, method: incoming.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.writeHead(502).end());
  return incoming.pipe(outgoing);
});

function send(response, type, body) {
  response.writeHead(200, {
    'Content-Type': `${type}; charset=utf-8`,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    'Referrer-Policy': 'no-referrer',
  });
  response.end(body);
}

server.listen(Number(new URL(ISSUER).port), '127.0.0.1', () => console.log(`listening on ${ISSUER}`));
