import type { RequestContext } from '../domain/audit-event.ts';
import { profileNames, type Profile } from '../domain/profile.ts';
import { NotFound } from '../errors.ts';
import type { InUsersTransaction } from './stores.ts';

/** A person's own changes to what they say of themselves; the caller has seen a fresh proof. */
export function createChangeProfile(inTransaction: InUsersTransaction) {
  return (userId: string, profile: Profile, context: RequestContext): Promise<void> =>
    inTransaction(async ({ users, audit }) => {
      const user = await users.find(userId);
      if (user === undefined) throw new NotFound();
      const { locale, zoneinfo } = profile;
      const claims: Record<string, unknown> = { ...user.claims };
      for (const name of profileNames) {
        if (profile[name] === '') delete claims[name];
        else claims[name] = profile[name];
      }
      const fields = [
        ...profileNames.filter((name) => claims[name] !== user.claims[name]),
        ...(locale === user.locale ? [] : ['locale']),
        ...(zoneinfo === user.zoneinfo ? [] : ['zoneinfo']),
      ];
      if (fields.length === 0) return;
      await users.update(userId, { claims, locale, zoneinfo }, undefined);
      await audit.record({
        type: 'user.changed',
        actor: userId,
        target: userId,
        result: 'success',
        details: { fields: fields.join(' ') },
        context,
      });
    });
}
