/** A person proved their password. */
export const acrOneFactor = 'urn:twofold:acr:1fa';
/** A person proved two factors in this session. */
export const acrTwoFactors = 'urn:twofold:acr:2fa';

/** Names that relying parties of research federations use for the same (REFEDS profiles). */
export const builtInAcrAliases: Readonly<Record<string, string>> = {
  'https://refeds.org/profile/sfa': acrOneFactor,
  'https://refeds.org/profile/mfa': acrTwoFactors,
};

/** How somebody authenticated beside the password. */
export type SecondProof = 'otp' | 'recovery-code' | 'trusted-browser' | 'none';

/**
 * `amr` (RFC 8176) of what happened in this authentication. A recovery code has no registered value and is never
 * called `otp`; a trusted browser proves nothing today and is never called `mfa`.
 */
export function amrOf(proof: SecondProof): string[] {
  switch (proof) {
    case 'otp':
      return ['pwd', 'otp', 'mfa'];
    case 'recovery-code':
      return ['pwd', 'mfa', 'urn:twofold:amr:recovery-code'];
    case 'trusted-browser':
      return ['pwd', 'urn:twofold:amr:trusted-browser'];
    case 'none':
      return ['pwd'];
  }
}

/** `acr` of what was proven. */
export function acrOf(proof: SecondProof): string {
  return proof === 'otp' || proof === 'recovery-code' ? acrTwoFactors : acrOneFactor;
}

/** Whether a session with this `acr` and `amr` proved two factors; both must say so. */
export function provedTwoFactors(acr: string | undefined, amr: readonly string[] | undefined): boolean {
  return acr === acrTwoFactors && amr !== undefined && amr.includes('pwd') && amr.includes('mfa');
}

export interface AcrNames {
  /** Every name that may be asked for, ours first. */
  readonly supported: readonly string[];
  /** What a name stands for, or undefined where it is unknown. */
  meaningOf(name: string): string | undefined;
}

/** The names of `acr` values: ours, the built-in aliases and those of a setting (alias to one of ours). */
export function acrNames(aliases: Readonly<Record<string, string>> = {}): AcrNames {
  const all = new Map<string, string>([
    [acrOneFactor, acrOneFactor],
    [acrTwoFactors, acrTwoFactors],
    ...Object.entries(builtInAcrAliases),
    ...Object.entries(aliases),
  ]);
  return { supported: [...all.keys()], meaningOf: (name) => all.get(name) };
}

/** Whether a session that reached `reached` satisfies a request for `asked`: two factors satisfy one. */
export function satisfies(reached: string | undefined, asked: string): boolean {
  return reached === asked || (reached === acrTwoFactors && asked === acrOneFactor);
}

/**
 * The name to answer: of several asked, the first that the session satisfies; unasked or none satisfied, our own name
 * for what was reached (OpenID Connect Core section 3.1.2.1, RFC 9470 section 4).
 */
export function answeredAcr(
  names: AcrNames,
  reached: string | undefined,
  asked: readonly string[],
): string | undefined {
  for (const name of asked) {
    const meaning = names.meaningOf(name);
    if (meaning !== undefined && satisfies(reached, meaning)) return name;
  }
  return reached;
}

/** What a request says of `acr`: by the claims parameter and by `acr_values`, each in its order of preference. */
export interface AskedAcr {
  readonly byClaims: readonly string[];
  /** The claims parameter marks it as essential: an answer without one of its values is refused. */
  readonly essential: boolean;
  readonly byParameter: readonly string[];
}

/** All names asked for, in the order in which they are answered (OpenID Connect Core section 5.5.1.1). */
export function namesOf({ byClaims, byParameter }: AskedAcr): string[] {
  return [...new Set([...byClaims, ...byParameter])];
}

/**
 * What a request asks of the session: `nothing`; what the first known name of each list stands for, the stronger of
 * both; or `unmet` where an essential claim, or all there is, names only values nobody here can reach.
 */
export function requestedAcr(
  names: AcrNames,
  asked: AskedAcr,
): { readonly kind: 'nothing' } | { readonly kind: 'asked'; readonly acr: string } | { readonly kind: 'unmet' } {
  const firstKnown = (list: readonly string[]): string | undefined =>
    list.map((name) => names.meaningOf(name)).find((meaning) => meaning !== undefined);
  const byClaims = firstKnown(asked.byClaims);
  if (asked.essential && byClaims === undefined) return { kind: 'unmet' };
  const levels = [byClaims, firstKnown(asked.byParameter)].filter((level) => level !== undefined);
  if (levels.length > 0) return { kind: 'asked', acr: levels.find((level) => level === acrTwoFactors) ?? acrOneFactor };
  return namesOf(asked).length === 0 ? { kind: 'nothing' } : { kind: 'unmet' };
}
