import type { z } from 'zod';
import type { signingKey } from '../api/key-routes.ts';
import { Fault } from '../../errors.ts';
import { perform } from '../api/perform.ts';
import { frameOf, goTo, hasFreshProof, type ConsoleRequest } from './console-request.ts';

type ShownKey = z.output<typeof signingKey>;

/** Signing keys and what becomes of them. */
export async function showKeys(request: ConsoleRequest, refused = false): Promise<void> {
  const { services, actor, context } = request;
  const { body } = await perform(services.admin, actor, context, 'listSigningKeys');
  const keys = (body as { items: readonly ShownKey[] }).items.map((key) => ({
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    since: new Date(key.revoked_at ?? key.retired_at ?? key.activated_at ?? key.published_at),
  }));
  const locals = { ...frameOf(request), keys, refused };
  services.views.page(request.ctx, 'console-keys', locals, { status: refused ? 422 : 200 });
}

/** Publishes successors; they sign once relying parties can know them. */
export async function rotateKeys(request: ConsoleRequest): Promise<void> {
  if (!hasFreshProof(request, '/admin/keys')) return;
  const { services, actor, context } = request;
  await perform(services.admin, actor, context, 'rotateSigningKeys');
  goTo(request, '/admin/keys');
}

/** Withdraws a key at once; everything it signed is void. The reason stands in the record. */
export async function revokeKey(request: ConsoleRequest, kid: string): Promise<void> {
  if (!hasFreshProof(request, '/admin/keys')) return;
  const { services, actor, context, fields } = request;
  const reason = (fields.get('reason') ?? '').trim();
  try {
    await perform(services.admin, actor, context, 'revokeSigningKey', { params: { kid }, body: { reason } });
  } catch (error) {
    if (error instanceof Fault && [400, 409, 422].includes(error.status)) return showKeys(request, true);
    throw error;
  }
  goTo(request, '/admin/keys');
}
