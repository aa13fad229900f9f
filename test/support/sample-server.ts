import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contentSecurityPolicy, guardHeaders } from '../../src/http/headers.ts';
import { createViews } from '../../src/http/views.ts';
import { sampleNow, samples, type Sample } from './sample-pages.ts';

export const sampleViews = createViews({
  branding: { name: 'Twofold', supportAddress: 'help@twofold.example' },
  clock: { now: () => sampleNow, epochSeconds: () => 0, epochMilliseconds: () => 0 },
});

/** A sample as HTML in one of our languages. */
export function drawSample({ page, locals }: Sample, tag = 'en', timeZone = 'Europe/Berlin'): string {
  const language = sampleViews.languages.get(tag);
  if (language === undefined) throw new Error(`there is no language ${tag}`);
  return sampleViews.html(page, locals, {
    language,
    timeZone,
    now: sampleNow,
    requestId: 'sample',
    languageHref: '/interaction/sample',
  });
}

/**
 * Serves the samples at `/{tag}/{page}/{state}`, with the headers and the policy of the real pages, and the static
 * files. Loopback, any port; the caller closes it.
 */
export async function startSampleServer(): Promise<{ origin: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    guardHeaders(response, { https: false });
    const path = request.url ?? '';
    const found = sampleViews.assets.find(path);
    if (found !== undefined) {
      response.setHeader('content-type', found.asset.type);
      response.end(found.asset.body);
      return;
    }
    const [, tag = 'en', page, state] = path.split('/');
    const sample = samples.find((one) => one.page === page && one.state === state);
    if (sample === undefined) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', contentSecurityPolicy());
    response.end(drawSample(sample, tag));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
