/** The form of a page that somebody who signs in fills: where it goes, and what it holds already. */
export interface HtmlForm {
  action: string;
  fields: Record<string, string>;
  /** Names of the visible inputs by their `autocomplete` token. */
  byPurpose: Map<string, string>;
}

/** The first form of the page that posts; the contract makes it the one of the main button. */
export function mainForm(page: string, pageUrl: string): HtmlForm {
  for (const match of page.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const [, head = '', content = ''] = match;
    if (attribute(head, 'method')?.toLowerCase() !== 'post') continue;
    const form: HtmlForm = {
      action: new URL(attribute(head, 'action') ?? pageUrl, pageUrl).href,
      fields: {},
      byPurpose: new Map(),
    };
    for (const [, input = ''] of content.matchAll(/<input\b([^>]*)>/gi)) {
      const name = attribute(input, 'name');
      if (name === undefined) continue;
      const purpose = attribute(input, 'autocomplete');
      if (attribute(input, 'type') === 'hidden') form.fields[name] = attribute(input, 'value') ?? '';
      else if (purpose) form.byPurpose.set(purpose.split(' ').at(-1) ?? purpose, name);
    }
    const [, button = ''] = /<button\b([^>]*)>/i.exec(content) ?? [];
    const buttonName = attribute(button, 'name');
    if (buttonName) form.fields[buttonName] = attribute(button, 'value') ?? '';
    return form;
  }
  throw new Error(`no form to post in this page: ${page.slice(0, 500)}`);
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value?.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
