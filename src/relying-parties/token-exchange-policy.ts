import { InvalidInput } from '../errors.ts';

/** The grant of RFC 8693. */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The field of a client's metadata that says what it may exchange. */
export const tokenExchangeField = 'twofold_token_exchange';

/** What an operator lets a client exchange; the scopes it may get stand in its `scope`. */
export interface TokenExchangePolicy {
  /** Clients whose tokens it may bring. */
  readonly subjectClients: readonly string[];
  /** Audiences for which those tokens must have been made: the client's own API, as a rule. */
  readonly subjectAudiences: readonly string[];
  /** Audiences for which it may get tokens in exchange. */
  readonly audiences: readonly string[];
}

type Metadata = Readonly<Record<string, unknown>>;

/** The policy of a client's metadata; undefined where it may exchange nothing. */
export function tokenExchangePolicyOf(value: unknown): TokenExchangePolicy | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { subject_clients, subject_audiences, audiences } = value as Record<string, unknown>;
  const lists = [subject_clients, subject_audiences, audiences];
  if (!lists.every(isListOfNames)) return undefined;
  const [subjectClients = [], subjectAudiences = [], targets = []] = lists as string[][];
  return { subjectClients, subjectAudiences, audiences: targets };
}

/** The grant and its policy come together, from a client that proves who it is. Throws `InvalidInput`. */
export function checkTokenExchange(metadata: Metadata, grants: readonly string[], method: unknown): void {
  const value = metadata[tokenExchangeField];
  const asks = grants.includes(tokenExchangeGrant);
  if (asks && value === undefined) {
    throw new InvalidInput(
      'grant_types',
      `token exchange needs ${tokenExchangeField}, which says what may be exchanged`,
    );
  }
  if (value === undefined) return;
  if (!asks) throw new InvalidInput(tokenExchangeField, `this is for clients with the grant ${tokenExchangeGrant}`);
  if (method === 'none') throw new InvalidInput('grant_types', 'token exchange needs a client that authenticates');
  const names = ['subject_clients', 'subject_audiences', 'audiences'];
  const unknown = typeof value === 'object' && value !== null && Object.keys(value).some((key) => !names.includes(key));
  if (unknown || tokenExchangePolicyOf(value) === undefined) {
    throw new InvalidInput(tokenExchangeField, `${tokenExchangeField} has the lists ${names.join(', ')}, none empty`);
  }
}

function isListOfNames(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > 50) return false;
  return value.every((item) => typeof item === 'string' && item !== '' && item.length <= 500);
}
