/** What a protected resource asks of a token that proves too little (RFC 9470 section 3). */
export interface StepUpDemand {
  /** The `acr` values of which the client should ask one, in its order of preference. */
  readonly acrValues: readonly string[];
  /** How long ago the person may have signed in, in seconds; undefined where that does not matter. */
  readonly maxAgeSeconds?: number;
  /** `DPoP` where the token was bound by a proof (RFC 9449 section 7.1). */
  readonly scheme?: 'Bearer' | 'DPoP';
}

/** What is known of an access token: from its store or its introspection. Times are epoch seconds. */
export interface ProvenByToken {
  readonly acr?: string | undefined;
  readonly authTime?: number | undefined;
}

/**
 * Whether a token proves enough: one of the values (`isSatisfied` compares, since a stronger one satisfies a weaker), and
 * a sign-in that is recent enough. A token that says nothing proves nothing.
 */
export function provesEnough(
  token: ProvenByToken,
  demand: StepUpDemand,
  isSatisfied: (reached: string | undefined, asked: string) => boolean,
  nowSeconds: number,
): boolean {
  const { acrValues, maxAgeSeconds } = demand;
  if (acrValues.length > 0 && !acrValues.some((asked) => isSatisfied(token.acr, asked))) return false;
  if (maxAgeSeconds === undefined) return true;
  return token.authTime !== undefined && nowSeconds - token.authTime <= maxAgeSeconds;
}

/** The value of `WWW-Authenticate` for the 401 that asks the client for a stronger or fresher token. */
export function stepUpChallenge({ acrValues, maxAgeSeconds, scheme = 'Bearer' }: StepUpDemand): string {
  const parts = [
    'error="insufficient_user_authentication"',
    ...(acrValues.length === 0 ? [] : [`acr_values="${acrValues.map(quotable).join(' ')}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age=${Math.trunc(maxAgeSeconds)}`]),
  ];
  return `${scheme} ${parts.join(', ')}`;
}

/** Only what may stand in a quoted string without an escape; acr values are URIs or plain names. */
function quotable(value: string): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) throw new TypeError('an acr value that cannot be quoted');
  return value;
}
