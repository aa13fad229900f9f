import type { LocalsOf } from '../http/views.ts';
import { isMetadataDocument } from '../provider/metadata-documents.ts';
import { csrfBinding, pathOf, type Remark, type Step } from './step.ts';
import type { PendingSignIn } from './pending-sign-in.ts';

/** The pages a sign-in consists of. */
export type StepPage =
  'password' | 'one-time-code' | 'recovery-code' | 'enrol' | 'recovery-codes' | 'change-password' | 'consent';

/** Answers with a step's page, or with the same as JSON where that is asked for. */
export async function answer<Page extends StepPage>(
  step: Step,
  page: Page,
  locals: Omit<LocalsOf<Page>, 'action' | 'csrf' | 'error' | 'relyingParty' | 'cancelAction' | 'retryAfterSeconds'>,
  remark: Remark = {},
  pending: PendingSignIn | undefined = step.pending,
): Promise<void> {
  const { ctx, services, uid } = step;
  const { error, retryAfterSeconds } = remark;
  const common = {
    action: pathOf(step, page),
    csrf: services.csrf.token(csrfBinding(uid, pending)),
    error,
    retryAfterSeconds,
    relyingParty: await relyingPartyOf(step),
    cancelAction: pathOf(step, 'abort'),
  };
  const status = remark.status ?? (retryAfterSeconds === undefined ? (error ? 422 : 200) : 429);
  services.views.page(ctx, page, { ...locals, ...common } as unknown as LocalsOf<Page>, { status });
}

/** The end of the interaction: a 303 (RFC 9700 section 4.12), or JSON that names where to go. */
export function answerFinished({ ctx, services }: Step, location: string): void {
  services.views.finished(ctx, location);
}

async function relyingPartyOf({ interaction, services }: Step) {
  const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string | undefined>;
  if (clientId === undefined) return undefined;
  const client = await services.provider().Client.find(clientId);
  if (client === undefined) return undefined;
  const host = redirectUri !== undefined && URL.canParse(redirectUri) ? new URL(redirectUri).host : '';
  return {
    id: clientId,
    // What a document says of itself nobody checked; where it lies is a fact.
    name: isMetadataDocument(clientId) ? new URL(clientId).host : (client.clientName ?? clientId),
    host,
    logoUri: isMetadataDocument(clientId) ? undefined : client.logoUri,
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
