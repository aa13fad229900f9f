import type { Provider } from 'oidc-provider';
import { acrTwoFactors } from '../domain/authentication.ts';
import type { ProviderOptions } from './create-provider.ts';
import { createOperatorsApi } from './resource-servers.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import { offerTokenExchange } from './token-exchange.ts';

/** Offers the exchange of tokens with what the engine was given. */
export function exchangeTokens(provider: Provider, options: ProviderOptions, subjectTokens: SubjectTokens): void {
  const { adapter, acrNames, onTokenExchange, clock } = options;
  offerTokenExchange(provider, {
    subjectTokens,
    adapter,
    operatorsApi: createOperatorsApi(options.issuer, options.resourceServers),
    isProofEnough: async (accountId, clientId, acr) =>
      (acr !== undefined && acrNames.meaningOf(acr) === acrTwoFactors) ||
      options.mayRefreshOneFactor(accountId, clientId),
    onExchange: onTokenExchange,
    epochSeconds: () => clock.epochSeconds(),
  });
}
