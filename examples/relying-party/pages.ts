import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';

type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

const explanations: Record<string, string> = {
  sub: 'who signed in',
  acr: 'how strong the sign-in was',
  amr: 'what was proven: pwd (password), otp (one-time code), mfa (two factors), urn:twofold:amr:recovery-code (recovery code)',
  auth_time: 'when the last sign-in that proved the password was completed',
  exp: 'when this ID token ends',
  iat: 'when it was issued',
};

export function signedOutPage(): string {
  return page(`<h1>Sample relying party</h1>
<p>An application that lets people sign in with an OpenID Connect provider.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>`);
}

export function signedInPage(tokens: Tokens, userinfo: unknown): string {
  const claims = (tokens.claims() ?? {}) as Record<string, unknown>;
  const rows = Object.entries(claims)
    .map(([name, value]) => `<tr><th>${escape(name)}</th><td>${shown(name, value)}</td></tr>`)
    .join('');
  return page(`<h1>You are signed in</h1>
<table>${rows}</table>
<p>Access token: ${tokens.access_token ? 'yes' : 'no'} · Refresh token: ${tokens.refresh_token ? 'yes' : 'no'} ·
Scopes: ${escape(tokens.scope ?? '')}</p>
<div class="acts">
${
  tokens.refresh_token
    ? '<form method="post" action="/refresh"><button>Refresh</button></form>'
    : '<a class="button" href="/sign-in?offline">Ask for a refresh token</a>'
}
<form method="post" action="/userinfo"><button>Ask for userinfo</button></form>
<a class="button" href="/sign-in?acr_values=urn:twofold:acr:2fa&amp;max_age=0">Step up</a>
<a class="button" href="/sign-in?prompt=login">Sign in again</a>
<a class="button" href="/sign-out">Sign out</a></div>
${userinfo === undefined ? '' : `<h2>Userinfo</h2><pre>${escape(JSON.stringify(userinfo, null, 2))}</pre>`}`);
}

export function notSignedInPage(): string {
  return page(`<h1>You did not go on</h1>
<p>You cancelled, or did not allow what this application asked for. So it learned nothing new about you.</p>
<div class="acts"><a class="button" href="/sign-in">Try again</a> <a class="button" href="/">Back</a></div>`);
}

export function errorPage(message: string): string {
  return page(`<h1>That did not work</h1><p>${escape(message)}</p><p><a class="button" href="/">Back</a></p>`);
}

function shown(name: string, value: unknown): string {
  const isTime = ['auth_time', 'exp', 'iat'].includes(name) && typeof value === 'number';
  const text = isTime
    ? new Date(value * 1000).toLocaleString('en-GB')
    : Array.isArray(value)
      ? value.join(', ')
      : String(value);
  const why = explanations[name];
  return `<code>${escape(text)}</code>${why ? `<br><small>${escape(why)}</small>` : ''}`;
}

function page(body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sample relying party</title><style>
:root{color-scheme:light dark;font:1rem/1.5 system-ui}body{max-width:42rem;margin:4rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th{text-align:start;vertical-align:top;padding:.4rem 1rem .4rem 0}
td{padding:.4rem 0;overflow-wrap:anywhere}tr{border-top:1px solid color-mix(in srgb,currentColor 15%,transparent)}
.acts{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0}
button,.button{font:inherit;display:inline-block;padding:.6rem 1rem;border-radius:.6rem;border:1px solid;background:none;
color:inherit;text-decoration:none;cursor:pointer}pre{overflow:auto}</style><body>${body}</body></html>`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
