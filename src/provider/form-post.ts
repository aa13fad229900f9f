import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

/** Where the engine may answer by a form that posts itself: to the relying party, or on to its own confirmation. */
const postsItself = /^\/(?:auth(?:\/[\w-]+)?|device|logout)$/;

/**
 * The engine's page that posts an answer to the relying party (or what stood in an address on to its own form) gets a
 * policy under which its one script may run, by its hash, which the engine adds to a `script-src` that it finds. There is
 * no `form-action`: browsers apply it to every redirect that follows, and where the relying party leads on to is its own
 * affair. The page holds nothing else, which is why it is not one of ours.
 */
export function allowFormPost(provider: Provider): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    const answersHere = postsItself.test(ctx.path);
    if (answersHere)
      ctx.set('content-security-policy', "default-src 'none'; script-src; frame-ancestors 'none'; base-uri 'none'");
    await next();
    if (!answersHere) return;
    const policy = ctx.response.get('content-security-policy');
    // Whatever is not that page, a redirect as a rule, gets the closed policy of everything else.
    if (/script-src\s*(?:;|$)/.test(policy)) ctx.remove('content-security-policy');
  });
}
