import assert from 'node:assert/strict';
import type { TestPerson, TestService } from './service.ts';
import { UserAgent } from './user-agent.ts';

/** A browser in which this person signed in to the console. */
export async function signInToConsole({ issuer }: TestService, person: TestPerson): Promise<UserAgent> {
  const browser = new UserAgent(issuer);
  const start = await browser.get('/admin');
  let step = await browser.follow(start.headers.get('location') ?? '');
  step = await browser.submitPassword(step, person);
  await browser.submit(step, { code: person.code() });
  return browser;
}

export async function consolePage(browser: UserAgent, path: string): Promise<string> {
  const response = await browser.get(path);
  assert.equal(response.status, 200, path);
  return response.text();
}

export const csrfOf = (text: string): string => /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
