import assert from 'node:assert/strict';
import type { TestPerson } from './service.ts';
import type { UserAgent } from './user-agent.ts';

/** The verified address of a person made by `addPerson`. */
export function addressOf({ username }: TestPerson): string {
  return `${username}@example.com`;
}

export function csrfIn(html: string): string {
  return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
}

export function pageOf(html: string): string {
  return /data-page="([^"]+)"/.exec(html)?.[1] ?? '';
}

export interface SentForm {
  readonly status: number;
  readonly page: string;
  readonly html: string;
  readonly response: Response;
}

/** Opens a page and sends its form; `csrf` of one drawn before sends that one again. */
export async function sendForm(
  agent: UserAgent,
  path: string,
  fields: Record<string, string> = {},
  csrf?: string,
): Promise<SentForm> {
  const token = csrf ?? csrfIn(await (await agent.get(path)).text());
  const response = await agent.post(path, { csrf: token, ...fields });
  const html = await response.text();
  return { status: response.status, page: pageOf(html), html, response };
}

/** The account page sends this browser to the sign-in. */
export async function assertSignedOut(agent: UserAgent): Promise<void> {
  const account = await agent.copy().get('/account');
  assert.equal(account.status, 303);
  assert.match(account.headers.get('location') ?? '', /^\/auth\?/);
}
