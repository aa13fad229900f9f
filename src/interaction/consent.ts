import { finishConsent, refuse } from './finish.ts';
import { consentName, openIdScopes } from '../provider/resource-servers.ts';
import { showNextStep } from './show.ts';
import { parameterOf, type Step } from './step.ts';

/** What the person allows the relying party, or that they do not. */
export async function submitConsent(step: Step): Promise<void> {
  const { interaction, services, fields, context } = step;
  if (interaction.prompt.name !== 'consent') return showNextStep(step);
  const decision = fields.get('decision');
  if (decision === 'deny') return abort(step);
  if (decision !== 'allow') return showNextStep(step);
  const provider = services.provider();
  const { accountId = '', uid: sessionUid = '' } = interaction.session ?? {};
  const clientId = parameterOf(step, 'client_id');
  const found = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const grant =
    found?.accountId === accountId && found.clientId === clientId ? found : new provider.Grant({ accountId, clientId });
  const details = interaction.prompt.details as {
    missingOIDCScope?: string[];
    missingOIDCClaims?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const ofServers = Object.entries(details.missingResourceScopes ?? {});
  const openId = parameterOf(step, 'scope')
    .split(' ')
    .filter((name) => openIdScopes.has(name));
  const named = ofServers.flatMap(([resource, scopes]) => scopes.map((scope) => consentName(scope, resource)));
  const scopes = [...openId, ...named];
  await services.saveConsent({ userId: accountId, sessionUid, clientId, scopes }, context);
  return finishConsent(step, await grant.save());
}

/** Back to the relying party without signing in; whoever was signed in before still is. */
export async function abort(step: Step): Promise<void> {
  return refuse(step, 'access_denied', 'the person did not go on');
}
