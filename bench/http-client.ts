import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

/** One answer, its body read whole. */
export interface Answer {
  status: number;
  location: string | undefined;
  cookies: string[];
  body: string;
}

/** What a browser keeps for one origin during one sign-in; paths of cookies are ignored, their names differ. */
export type CookieJar = Map<string, string>;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

interface RequestOptions {
  form?: Record<string, string>;
  jar?: CookieJar;
  authorization?: string;
  accept?: string;
}

/** A plain request over kept connections; a `form` makes it a POST. Redirects are the caller's to follow. */
export function send(
  url: string,
  { form, jar, authorization, accept = 'text/html' }: RequestOptions = {},
): Promise<Answer> {
  const payload = form === undefined ? undefined : new URLSearchParams(form).toString();
  const headers: Record<string, string> = { accept, 'user-agent': 'bench' };
  if (jar && jar.size > 0) headers['cookie'] = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  if (jar) headers['x-forwarded-for'] = addressOf(jar);
  if (authorization) headers['authorization'] = authorization;
  if (payload !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    headers['content-length'] = String(Buffer.byteLength(payload));
    if (jar) headers['origin'] = new URL(url).origin; // as browsers do; a relying party's server has none
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: payload === undefined ? 'GET' : 'POST', headers, agent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const cookies = incoming.headers['set-cookie'] ?? [];
        if (jar) keep(jar, cookies);
        resolve({
          status: incoming.statusCode ?? 0,
          location: incoming.headers.location,
          cookies,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

function keep(jar: CookieJar, cookies: string[]): void {
  for (const cookie of cookies) {
    const [pair = '', ...attributes] = cookie.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const expires = attributes.find((attribute) => /^\s*expires=/i.test(attribute));
    const ended = value === '' || (expires && new Date(expires.split('=')[1] ?? '') < new Date());
    if (ended) jar.delete(name);
    else jar.set(name, value);
  }
}

const addresses = new WeakMap<CookieJar, string>();

/** People come from many networks; all from one would share one network's budget of passwords. */
function addressOf(jar: CookieJar): string {
  const known = addresses.get(jar);
  if (known !== undefined) return known;
  const [a, b, c] = randomBytes(3);
  const address = `10.${a}.${b}.${c}`;
  addresses.set(jar, address);
  return address;
}
