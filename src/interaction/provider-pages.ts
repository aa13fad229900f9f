import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ErrorPageCode } from '../http/pages.ts';
import { readerOf, setReader } from '../http/reader.ts';
import type { PageContext, Views } from '../http/views.ts';
import type { ProviderPages } from '../provider/create-provider.ts';

/** The engine's own pages, drawn as ours. Its forms carry a hidden `xsrf`, which our forms send along. */
export function createProviderPages(views: Views, prefix: string): ProviderPages {
  return {
    async error(ctx, out, error) {
      readUiLocales(ctx);
      const page = ctx as unknown as PageContext;
      const status = ctx.status;
      if (status === 503) ctx.set('Retry-After', '2');
      const detail = { error: out.error, description: out.error_description };
      const code = errorPage(error.name, status);
      views.page(
        page,
        'error',
        {
          code,
          reference: readerOf(page).requestId,
          next: code === 'sign-in-gone' ? { path: '/account', does: 'to-account' } : undefined,
          detail: code === 'request-refused' ? detail : undefined,
        },
        { status },
      );
    },
    async logout(ctx, form) {
      readUiLocales(ctx);
      // The form's answer leads to where the client asked for: the policy has to let it.
      const targets = (ctx.oidc.client?.postLogoutRedirectUris ?? []).filter((uri) => URL.canParse(uri));
      views.page(
        ctx,
        'logout',
        {
          action: `${prefix}/logout/confirm`,
          csrf: '',
          hidden: { xsrf: xsrfOf(form) },
          stayHref: `${prefix}/account`,
        },
        { formTargets: targets.map((uri) => new URL(uri).origin) },
      );
    },
    async loggedOut(ctx) {
      const uri = ctx.oidc.client?.clientUri;
      views.page(ctx, 'logged-out', { continueHref: uri });
    },
    async deviceInput(ctx, form, error) {
      const wrong = error === undefined ? undefined : ({ code: 'device-code-unknown', field: 'user_code' } as const);
      views.page(ctx, 'device-code', {
        action: `${prefix}/device`,
        csrf: '',
        hidden: { xsrf: xsrfOf(form) },
        userCode: typedCode(ctx),
        error: wrong,
      });
    },
    async deviceConfirm(ctx, form, userCode) {
      const scope = ctx.oidc.params?.['scope'];
      const scopes = typeof scope === 'string' ? scope.split(' ') : [];
      views.page(ctx, 'device-confirm', {
        action: `${prefix}/device`,
        csrf: '',
        hidden: { xsrf: xsrfOf(form) },
        userCode,
        scopes: scopes.filter((name) => name !== '').map((name) => ({ name, isNew: true })),
      });
    },
    async deviceDone(ctx) {
      views.page(ctx, 'device-done', { result: 'allowed' });
    },
  };
}

/** Of a request that is refused before it is anybody's sign-in, and of RP-Initiated Logout 1.0 section 2. */
function readUiLocales(ctx: KoaContextWithOIDC): void {
  const { ui_locales: uiLocales } = ctx.query;
  if (typeof uiLocales === 'string') setReader(ctx, { uiLocales });
}

function errorPage(name: string, status: number): ErrorPageCode {
  if (name === 'SessionNotFound') return 'sign-in-gone';
  if (name === 'UnmetAuthenticationRequirements') return 'acr-unmet';
  if (status === 503) return 'unavailable';
  if (status === 404) return 'not-found';
  if (status === 405) return 'method-not-allowed';
  return status >= 500 ? 'internal' : 'request-refused';
}

/** The engine hands its form over as HTML; all that is needed of it is the one token. */
function xsrfOf(form: string): string {
  return /name="xsrf" value="([^"]*)"/.exec(form)?.[1] ?? '';
}

function typedCode(ctx: KoaContextWithOIDC): string | undefined {
  const code = ctx.oidc.params?.['user_code'];
  return typeof code === 'string' ? code.slice(0, 40) : undefined;
}
