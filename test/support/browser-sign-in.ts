import type { Page } from 'playwright-core';
import type { TestPerson } from './service.ts';

/** Signs a person in on the service's pages as a person does, from the password page to where they lead. */
export async function signInInBrowser(page: Page, person: TestPerson): Promise<void> {
  await onPage(page, 'password');
  await page.fill('input[name="login"]', person.username);
  await page.fill('input[name="password"]', person.password);
  await submit(page);
  await onPage(page, 'one-time-code');
  // The page sends itself at the sixth digit where script runs.
  await Promise.all([leaves(page, 'one-time-code'), typeCode(page, person.code())]);
  if ((await pageName(page)) === 'consent') await Promise.all([leaves(page, 'consent'), submit(page)]);
}

/** What the body says it is; undefined on pages that are not the service's. */
export async function pageName(page: Page): Promise<string | undefined> {
  return (await page.locator('body').getAttribute('data-page')) ?? undefined;
}

async function onPage(page: Page, name: string): Promise<void> {
  await page.locator(`body[data-page="${name}"]`).waitFor();
}

async function leaves(page: Page, name: string): Promise<void> {
  await page.locator(`body:not([data-page="${name}"])`).waitFor();
}

async function typeCode(page: Page, code: string): Promise<void> {
  await page.fill('input[name="code"]', code);
  await page.keyboard.press('Enter').catch(() => {});
}

async function submit(page: Page): Promise<void> {
  await page.locator('main form button[type="submit"], main form button:not([type])').first().click();
}
