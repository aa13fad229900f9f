import type { IncomingMessage, ServerResponse } from 'node:http';
import * as client from 'openid-client';

/** What a call needs beside a live token; nothing where being signed in is enough. */
interface Needed {
  acr: string;
  maxAgeSeconds: number;
}

const needs: Record<string, Needed | undefined> = {
  'GET /api/balance': undefined,
  // Money moves only with two factors, and only if the sign-in with a password is at most five minutes old.
  'POST /api/transfers': { acr: 'urn:twofold:acr:2fa', maxAgeSeconds: 300 },
};

/**
 * A resource server (RFC 9470): it knows nothing of sessions and pages, only what the token's introspection says, and
 * says in its refusal what would be enough.
 */
export async function handleApi(config: client.Configuration, request: IncomingMessage, response: ServerResponse) {
  const call = `${request.method} ${request.url}`;
  const [, token] = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!(call in needs)) return answer(response, 404, { error: 'not_found' });
  if (!token) return refuse(response, 'Bearer');

  const { active, acr, auth_time: authTime } = await client.tokenIntrospection(config, token);
  if (!active) return refuse(response, 'Bearer error="invalid_token"');
  const needed = needs[call];
  if (needed) {
    const ageSeconds = Date.now() / 1000 - (typeof authTime === 'number' ? authTime : 0);
    if (acr !== needed.acr || ageSeconds > needed.maxAgeSeconds) {
      const { acr: wanted, maxAgeSeconds } = needed;
      const asked = `acr_values="${wanted}", max_age=${maxAgeSeconds}`;
      return refuse(response, `Bearer error="insufficient_user_authentication", ${asked}`);
    }
  }
  return answer(response, 200, call.startsWith('GET') ? { balance: 120 } : { transferred: 50 });
}

function refuse(response: ServerResponse, challenge: string): void {
  response.setHeader('WWW-Authenticate', challenge);
  answer(response, 401, { error: 'unauthorized' });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
