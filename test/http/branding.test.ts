import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadSettings } from '../../src/config/load-settings.ts';
import { addParty } from '../support/policy-parties.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

const folder = mkdtempSync(join(tmpdir(), 'branding-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script>alert(1)</script><path d="M0 0h8v8z"/></svg>';
const png = Buffer.concat([Buffer.from([0x89]), Buffer.from('PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(40)]);

describe('the branding of the settings', () => {
  let service: TestService;
  before(async () => {
    mkdirSync(join(folder, 'views', 'locales'), { recursive: true });
    writeFileSync(join(folder, 'views', 'locales', 'en.json'), '{"password.title":"Welcome back"}');
    const config = write(
      'twofold.yaml',
      `branding:
  name: Meadow
  logo_file: ${write('meadow.svg', svg)}
  accent_colour: '#7a1fa2'
  support_address: help@meadow.example
  views_dir: ${join(folder, 'views')}
  relying_parties:
    shop: { name: Meadow Shop, logo_file: ${write('shop.png', png)}, accent_colour: '#0a7d4f', support_address: 'https://shop.example/help' }
    plain: { name: Plain }
`,
    );
    service = await startService('embedded', { environment: { TWOFOLD_CONFIG: config } });
    for (const id of ['shop', 'plain', 'other']) await addParty(service, id, { client_name: `Client ${id}` });
  });
  after(() => service.close());

  async function signInPage(clientId: string): Promise<{ html: string; agent: UserAgent }> {
    const agent = new UserAgent(service.issuer);
    const step = await agent.begin({ client_id: clientId, redirect_uri: testClient.redirectUri });
    return { html: await (await agent.get(step.action.replace(/\/password$/, ''))).text(), agent };
  }

  test('name, logo, accent, support address and views of the installation stand on every page', async () => {
    const { html, agent } = await signInPage('other');
    assert.match(html, /<title>Welcome back · Meadow<\/title>/);
    assert.match(html, /href="mailto:help@meadow\.example"/);
    assert.match(html, /Client other/);
    assert.doesNotMatch(html, /brand-\d/);
    const page = await (await new UserAgent(service.issuer).get('/what-we-see')).text();
    const logo = /<img class="mark" src="(\/assets\/[\w-]+\/brand\.svg)"/.exec(page)?.[1] ?? '';
    const image = await agent.get(logo);
    assert.equal(image.headers.get('content-type'), 'image/svg+xml');
    // Asked for by its own address a script in it does not run either.
    assert.match(image.headers.get('content-security-policy') ?? '', /default-src 'none'.*sandbox/);
    const style = /href="(\/assets\/[\w-]+\/twofold\.css)"/.exec(page)?.[1] ?? '';
    assert.match(await (await agent.get(style)).text(), /--hue:282/);
  });

  test('a relying party has its own, and what it has not is the installation’s', async () => {
    const { html, agent } = await signInPage('shop');
    assert.match(html, /<title>Welcome back · Meadow Shop<\/title>/);
    assert.match(html, /<bdi class="party-name">Meadow Shop<\/bdi>/);
    assert.match(html, /href="https:\/\/shop\.example\/help"/);
    const style = /href="(\/assets\/[\w-]+\/brand-1\.css)"/.exec(html)?.[1] ?? '';
    assert.match(await (await agent.get(style)).text(), /^:root\{--hue:156/);
    const logo = /<img class="mark" src="(\/assets\/[\w-]+\/brand-1\.png)"/.exec(html)?.[1] ?? '';
    assert.equal((await agent.get(logo)).headers.get('content-type'), 'image/png');
    const plain = (await signInPage('plain')).html;
    assert.match(plain, /<bdi class="party-name">Plain<\/bdi>/);
    assert.match(plain, /href="mailto:help@meadow\.example"/);
    assert.doesNotMatch(plain, /\.css"[^>]*>\s*<link rel="stylesheet"/);
  });

  test('a file that is no image, too large a one, a folder that is not there and a broken view end the start', async () => {
    mkdirSync(join(folder, 'broken', 'interaction'), { recursive: true });
    writeFileSync(join(folder, 'broken', 'interaction', 'logged-out.eta'), '<% if ( { %>');
    for (const [environment, message] of [
      [
        { TWOFOLD_LOGO_FILE: write('text.png', 'this is no picture at all') },
        /TWOFOLD_LOGO_FILE: this is no png image/,
      ],
      [{ TWOFOLD_LOGO_FILE: write('html.svg', '<html><svg></svg></html>') }, /TWOFOLD_LOGO_FILE: this is no svg image/],
      [{ TWOFOLD_LOGO_FILE: write('big.svg', svg.padEnd(20_001)) }, /TWOFOLD_LOGO_FILE: must have at most 20 kB/],
      [{ TWOFOLD_LOGO_FILE: join(folder, 'none.svg') }, /TWOFOLD_LOGO_FILE: this file cannot be read/],
      [{ TWOFOLD_VIEWS_DIR: join(folder, 'none') }, /TWOFOLD_VIEWS_DIR: there is no such folder/],
      [{ TWOFOLD_VIEWS_DIR: join(folder, 'broken') }, /TWOFOLD_VIEWS_DIR: .*/],
    ] as const) {
      await assert.rejects(startService('embedded', { environment }), { code: 'branding', message });
    }
  });

  test('every fault of the branding is told at once, by its place', () => {
    const yaml = `branding:
  accent_colour: red
  logo_file: logo.gif
  relying_parties:
    shop: { accent_colour: blue, colour: '#000000' }
`;
    const outcome = loadSettings({ TWOFOLD_CONFIG: 'twofold.yaml' }, () => yaml);
    assert.equal(outcome.kind, 'faulty');
    const faults = outcome.kind === 'faulty' ? outcome.faults.join('\n') : '';
    assert.match(faults, /TWOFOLD_ACCENT_COLOUR: must be a colour such as #3454d1, got 'red'/);
    assert.match(
      faults,
      /TWOFOLD_LOGO_FILE: must be the path of an \.svg, \.png, \.webp or \.jpg file, got 'logo\.gif'/,
    );
    assert.match(faults, /TWOFOLD_CONFIG: branding\.relying_parties\.shop\.accent_colour: must be a colour/);
    assert.match(faults, /TWOFOLD_CONFIG: branding\.relying_parties\.shop: .*"colour"/);
  });
});
