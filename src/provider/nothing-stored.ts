import type { Adapter } from 'oidc-provider';

/** For an act that the engine never asks of a model. */
export const unused = async (): Promise<undefined> => undefined;

/** Where a model has no use for an act of the engine's storage. */
export const nothing: Adapter = {
  upsert: unused,
  find: unused,
  findByUserCode: unused,
  findByUid: unused,
  consume: unused,
  destroy: unused,
  revokeByGrantId: unused,
};
