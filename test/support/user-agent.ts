import { createHash, randomBytes } from 'node:crypto';
import type { TestPerson } from './service.ts';
import { testClient } from './service.ts';

/** A step of the sign-in as the service describes it in JSON. */
export interface StepAnswer {
  readonly status: number;
  readonly page: string;
  readonly action: string;
  readonly csrf: string;
  readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
  readonly retry_after: number;
  readonly location?: string;
  /** What a page posts to `location` by itself (`response_mode=form_post`). */
  readonly posted?: URLSearchParams;
  readonly enrolment?: { readonly secret: string; readonly otpauth_uri: string; readonly qr_svg: string };
  readonly codes?: readonly string[];
}

export interface Tokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly error?: string;
}

/** A browser without a screen: a cookie jar with paths, redirects followed by hand, steps answered as JSON. */
export class UserAgent {
  readonly #issuer: string;
  readonly #jar = new Map<string, { value: string; path: string }>();
  readonly #headers: Record<string, string>;
  readonly #addresses: readonly string[];
  #requests = 0;

  /** With `addresses` its requests go to one replica after the other, as behind a proxy. */
  constructor(issuer: string, headers: Record<string, string> = {}, addresses: readonly string[] = [issuer]) {
    this.#issuer = issuer;
    this.#headers = headers;
    this.#addresses = addresses;
  }

  /** Another browser with the same cookies: what a thief of them would have. */
  copy(): UserAgent {
    const copy = new UserAgent(this.#issuer, this.#headers, this.#addresses);
    for (const [name, cookie] of this.#jar) copy.#jar.set(name, { ...cookie });
    return copy;
  }

  get cookies(): ReadonlyMap<string, { readonly value: string; readonly path: string }> {
    return this.#jar;
  }

  /** Loses a cookie, as a browser does whose session is over. */
  forget(name: string): void {
    this.#jar.delete(name);
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, this.#issuer);
    const cookie = [...this.#jar]
      .filter(
        ([, { path: at }]) => url.pathname === at || at === '/' || url.pathname.startsWith(`${at.replace(/\/$/, '')}/`),
      )
      // Longer paths first, as RFC 6265 section 5.4 has it: of two with one name the first counts.
      .toSorted(([, one], [, other]) => other.path.length - one.path.length)
      .map(([name, { value }]) => `${name.split('|')[0]}=${value}`)
      .join('; ');
    const replica = this.#addresses[this.#requests % this.#addresses.length] ?? this.#issuer;
    this.#requests += 1;
    const response = await fetch(new URL(url.pathname + url.search, replica), {
      redirect: 'manual',
      ...init,
      headers: { ...this.#headers, ...(cookie === '' ? {} : { cookie }), ...(init.headers as Record<string, string>) },
    });
    for (const line of response.headers.getSetCookie()) this.#store(line);
    return response;
  }

  /** Plants a cookie, as somebody with a hand in this browser would. */
  plant(name: string, value: string): void {
    this.#jar.set(name, { value, path: '/' });
  }

  async get(path: string, accept = 'text/html'): Promise<Response> {
    return this.request(path, { headers: { accept } });
  }

  async post(path: string, fields: Record<string, string>, accept = 'text/html'): Promise<Response> {
    const body = new URLSearchParams(fields);
    return this.request(path, { method: 'POST', body, headers: { accept, origin: this.#issuer } });
  }

  /** Begins a sign-in; answers the first step, or where the service leads to at once. */
  async begin(parameters: Record<string, string> = {}): Promise<StepAnswer & { readonly verifier: string }> {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: 'the-state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...parameters,
    });
    const response = await this.get(`/auth?${query.toString()}`);
    const location = response.headers.get('location') ?? '';
    return { ...(await this.follow(location, response.status)), verifier };
  }

  /** Follows redirects within the service to the next step or out of it. */
  async follow(location: string, status = 303): Promise<StepAnswer> {
    let at = location;
    for (let hop = 0; hop < 10; hop += 1) {
      const url = new URL(at, this.#issuer);
      if (url.origin !== this.#issuer || at === '') return left(at, status);
      const response = await this.get(url.pathname + url.search, 'application/json');
      const next = response.headers.get('location');
      if (next === null) return this.#answer(response);
      at = next;
    }
    throw new Error('too many redirects');
  }

  /** Sends a step's form; follows where it is finished. */
  async submit(step: StepAnswer, fields: Record<string, string>, action = step.action): Promise<StepAnswer> {
    const response = await this.post(action, { csrf: step.csrf, ...fields }, 'application/json');
    const answer = await this.#answer(response);
    return answer.page === 'finished' && answer.location !== undefined ? this.follow(answer.location) : answer;
  }

  /** The step of an interaction address as it stands now. */
  async look(path: string): Promise<StepAnswer> {
    return this.#answer(await this.get(path, 'application/json'));
  }

  async submitPassword(step: StepAnswer, person: TestPerson): Promise<StepAnswer> {
    return this.submit(step, { login: person.username, password: person.password });
  }

  /** A whole sign-in up to the authorization code's redirect, consent included. */
  async signIn(
    person: TestPerson,
    parameters: Record<string, string> = {},
  ): Promise<StepAnswer & { verifier: string }> {
    const first = await this.begin(parameters);
    const code = await this.submitPassword(first, person);
    let next = await this.submit(code, { code: person.code() });
    if (next.page === 'consent') next = await this.submit(next, { decision: 'allow' });
    return { ...next, verifier: first.verifier };
  }

  /** Redeems the code of a finished sign-in as the relying party does. */
  async redeem(finished: StepAnswer & { verifier: string }): Promise<Tokens> {
    return redeem(this.#issuer, codeOf(finished), finished.verifier);
  }

  async #answer(response: Response): Promise<StepAnswer> {
    const text = await response.text();
    let body: Partial<StepAnswer> = {};
    try {
      body = JSON.parse(text) as Partial<StepAnswer>;
    } catch {
      // A page: its name is all that matters here, unless it posts itself on.
      body = postedOn(text) ?? { page: /data-page="([^"]+)"/.exec(text)?.[1] ?? '' };
    }
    return { action: '', csrf: '', page: '', retry_after: 0, ...body, status: response.status };
  }

  #store(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const find = (wanted: string): string | undefined =>
      attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const path = find('path') ?? '/';
    const key = path === '/' ? name : `${name}|${path}`;
    const expired = value === '' || find('max-age') === '0' || (find('expires') ?? '').includes('1970');
    if (expired) this.#jar.delete(key);
    else this.#jar.set(key, { value, path });
  }
}

/** The answer that a page without words of its own posts to the relying party (OAuth 2.0 Form Post Response Mode). */
function postedOn(page: string): Partial<StepAnswer> | undefined {
  const location = /<form method="post" action="(https:[^"]+)">/.exec(page)?.[1];
  if (location === undefined || page.includes('data-page=')) return undefined;
  const posted = new URLSearchParams();
  for (const [, name = '', value = ''] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"\/>/g)) {
    posted.append(name, plain(value));
  }
  return { page: 'left', location: plain(location), posted };
}

const plain = (html: string): string =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

function left(location: string, status: number): StepAnswer {
  return { status, page: 'left', action: '', csrf: '', retry_after: 0, location };
}

export function codeOf({ location = '' }: { readonly location?: string }): string {
  const code = new URL(location).searchParams.get('code');
  if (code === null) throw new Error(`no code in ${location}`);
  return code;
}

export async function redeem(issuer: string, code: string, verifier: string): Promise<Tokens> {
  return token(issuer, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: testClient.redirectUri,
  });
}

export async function token(issuer: string, fields: Record<string, string>): Promise<Tokens> {
  const credentials = [testClient.id, testClient.secret].map(encodeURIComponent).join(':');
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  });
  return (await response.json()) as Tokens;
}

/** The claims of an ID token; whether it is genuine is the business of other tests. */
export function claimsOf({ id_token: idToken }: Tokens): Record<string, unknown> {
  const [, payload = ''] = idToken.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
}
