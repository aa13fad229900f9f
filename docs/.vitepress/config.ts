import { defineConfig } from 'vitepress';

/**
 * `npm run site`: the documents as a site, under build/site. The pages are the Markdown files as they lie in the
 * repository, so that a link works in both; a dead link ends the build.
 */
export default defineConfig({
  title: 'Twofold',
  description: 'An OpenID Connect identity provider that issues tokens only after the second factor succeeded',
  srcDir: '..',
  outDir: '../build/site',
  cacheDir: '../.cache/site',
  srcExclude: ['node_modules/**', 'tools/**', 'build/**', '.cache/**', 'data/**', '.github/**'],
  rewrites: { 'README.md': 'index.md' },
  cleanUrls: true,
  lastUpdated: false,
  // Addresses of a service that runs beside the reader's terminal, and files that are no pages: a test looks for those.
  ignoreDeadLinks: [/^https?:\/\/localhost/, /\.(env|yaml|json|ts|mjs|conf|sh)$/, /\/(samples|examples)\//],
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Documents', link: '/docs/README' },
      { text: 'Settings', link: '/config/settings' },
      { text: 'Changes', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'For relying parties',
        items: [
          { text: 'Connect a relying party', link: '/docs/connect-a-relying-party' },
          { text: 'Let a service act for a person', link: '/docs/token-exchange' },
          { text: 'Ask for more: step-up', link: '/docs/step-up' },
          { text: 'The account API', link: '/docs/account-api' },
        ],
      },
      {
        text: 'For operators',
        items: [
          { text: 'Install', link: '/docs/install' },
          { text: 'Operate', link: '/docs/operate' },
          { text: 'Webhooks and syslog', link: '/docs/webhooks' },
          { text: 'Move people from bcrypt and Fernet', link: '/docs/import-from-bcrypt-and-fernet' },
          { text: 'Move people from Argon2id', link: '/docs/import-from-argon2id' },
          { text: 'Bind hardware tokens', link: '/docs/hardware-tokens' },
          { text: 'Name, logo and colour', link: '/docs/branding' },
          { text: 'Runbooks', link: '/docs/runbooks' },
          { text: 'Upgrade', link: '/docs/upgrade' },
          { text: 'Scale', link: '/docs/scale' },
          { text: 'Command line', link: '/docs/command-line' },
          { text: 'Admin API', link: '/docs/admin-api' },
          { text: 'Settings', link: '/config/settings' },
          { text: 'Security', link: '/SECURITY' },
        ],
      },
      {
        text: 'For engineers',
        items: [
          { text: 'Contribute', link: '/CONTRIBUTING' },
          { text: 'Architecture', link: '/docs/architecture' },
          { text: 'Decisions', link: '/docs/decisions/README' },
          { text: 'Glossary', link: '/docs/glossary' },
        ],
      },
    ],
  },
});
