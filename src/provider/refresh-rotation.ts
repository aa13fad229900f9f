import type { Provider } from 'oidc-provider';
import { requestOrigin, type RequestOrigin } from './request-origin.ts';

/** How long a client that lost the answer may ask again with the token that was rotated. */
export const repeatableSeconds = 30;

/** What happened to a refresh token in the request that is being answered. */
interface Rotation {
  /** The token that was used up in this request, by its hash. */
  consumed?: string;
  /** The one that took its place in an earlier request, and does so again: one winner has one successor. */
  repeated?: { readonly idHash: string; readonly successor: string };
}

const rotations = new WeakMap<RequestOrigin, Rotation>();

/** The rotation of this request; what is noted here ends with it. */
export function rotationOfRequest(): Rotation {
  const request = requestOrigin.getStore();
  if (request === undefined) return {};
  let rotation = rotations.get(request);
  if (rotation === undefined) {
    rotation = {};
    rotations.set(request, rotation);
  }
  return rotation;
}

/** A repeated use answers the successor that is there instead of making another one. */
export function continueRotations(provider: Provider): void {
  const model = provider.RefreshToken.prototype as unknown as { save(...given: unknown[]): Promise<string> };
  const save = model.save;
  model.save = async function saveOnce(this: object, ...given: unknown[]) {
    return rotationOfRequest().repeated?.successor ?? (await save.apply(this, given));
  };
}
