/** The engine's own rules of the token endpoint, for a grant that it does not have. */
declare module 'oidc-provider/lib/helpers/grants.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  interface CheckedProof {
    readonly thumbprint: string;
    readonly jti: string;
  }

  /** The request's DPoP proof, checked but for its replay; undefined where there is none. Throws `invalid_dpop_proof`. */
  export function validateDpop(provider: Provider, ctx: KoaContextWithOIDC): Promise<CheckedProof | undefined>;
  /** Throws where this proof was seen before. */
  export function checkDpopReplay(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    proof: CheckedProof | undefined,
    clientId: string,
  ): Promise<void>;
  /** Throws where the client's registration demands a proof and there is none. */
  export function checkDpopRequired(provider: Provider, ctx: KoaContextWithOIDC, proof: CheckedProof | undefined): void;
  /** The certificate of a client whose registration binds its tokens to one. Throws where it came without. */
  export function checkMtlsCert(provider: Provider, ctx: KoaContextWithOIDC): string | undefined;
  export function buildTokenResponse(provider: Provider, answer: Readonly<Record<string, unknown>>): object;
}
