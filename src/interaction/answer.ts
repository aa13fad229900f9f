import { csrfBinding, pathOf, type Remark, type Step } from './step.ts';
import type { PendingSignIn } from './pending-sign-in.ts';

interface Field {
  readonly name: string;
  readonly type: 'text' | 'password' | 'code' | 'choice';
}

/** What each page of a sign-in sends, for applications that draw their own. */
const fieldsOf: Readonly<Record<string, readonly Field[]>> = {
  password: [
    { name: 'login', type: 'text' },
    { name: 'password', type: 'password' },
  ],
  'one-time-code': [{ name: 'code', type: 'code' }],
  'recovery-code': [{ name: 'code', type: 'code' }],
  enrol: [
    { name: 'code', type: 'code' },
    { name: 'label', type: 'text' },
  ],
  'recovery-codes': [{ name: 'saved', type: 'choice' }],
  'change-password': [{ name: 'new_password', type: 'password' }],
  consent: [{ name: 'decision', type: 'choice' }],
};

/** Answers with a step's page, or with the same as JSON where that is asked for. */
export async function answer(
  step: Step,
  page: string,
  locals: Readonly<Record<string, unknown>>,
  remark: Remark = {},
  pending: PendingSignIn | undefined = step.pending,
): Promise<void> {
  const { ctx, services, uid } = step;
  const action = pathOf(step, page);
  const csrf = services.csrf.token(csrfBinding(uid, pending));
  const status = remark.status ?? (remark.retryAfterSeconds === undefined ? (remark.error ? 422 : 200) : 429);
  if (remark.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(remark.retryAfterSeconds));
  const relyingParty = await relyingPartyOf(step);
  if (wantsJson(step)) {
    const { t } = services.views.languageOf(ctx);
    const { error } = remark;
    const { enrolment, codes, scopes } = locals;
    ctx.status = status;
    ctx.body = {
      page,
      action,
      fields: fieldsOf[page] ?? [],
      csrf,
      error: error
        ? { code: error.code, message: t(`form-error.${error.code}`, error.values), field: error.field }
        : null,
      retry_after: remark.retryAfterSeconds ?? 0,
      ...(enrolment === undefined ? {} : { enrolment }),
      ...(codes === undefined ? {} : { recovery_codes: codes }),
      ...(scopes === undefined ? {} : { scopes }),
    };
    return;
  }
  const { error, retryAfterSeconds } = remark;
  const cancelAction = pathOf(step, 'abort');
  services.views.page(
    ctx,
    `interaction/${page}`,
    { ...locals, action, csrf, error, retryAfterSeconds, relyingParty, cancelAction },
    { status, formTargets: relyingParty?.formTargets ?? [] },
  );
}

/** The end of the interaction: a top-level navigation to `location`. */
export function answerFinished({ ctx, ...step }: Step, location: string): void {
  if (wantsJson({ ctx, ...step })) {
    ctx.status = 200;
    ctx.body = { page: 'finished', location };
    return;
  }
  // 303, so that no browser repeats the form's fields at the next address (RFC 9700 section 4.12).
  ctx.status = 303;
  ctx.redirect(location);
  ctx.status = 303;
}

function wantsJson({ ctx }: Pick<Step, 'ctx'>): boolean {
  return ctx.accepts('html', 'json') === 'json';
}

async function relyingPartyOf({ interaction, services }: Step) {
  const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string | undefined>;
  if (clientId === undefined) return undefined;
  const client = await services.provider().Client.find(clientId);
  if (client === undefined) return undefined;
  const host = redirectUri !== undefined && URL.canParse(redirectUri) ? new URL(redirectUri).host : '';
  return {
    name: client.clientName ?? clientId,
    host,
    logoUri: client.logoUri,
    policyUri: client.policyUri,
    termsUri: client.tosUri,
    formTargets: formTargets([...(client.redirectUris ?? []), client.clientUri ?? '']),
  };
}

function formTargets(uris: readonly string[]): string[] {
  const targets = uris.flatMap((uri) => {
    if (!URL.canParse(uri)) return [];
    const { origin, protocol } = new URL(uri);
    return [origin === 'null' ? protocol : origin];
  });
  return [...new Set(targets)];
}
