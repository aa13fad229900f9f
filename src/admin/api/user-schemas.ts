import { z } from 'zod';
import { roles } from '../../domain/user.ts';
import type { ListedUser } from '../../users/user-directory.ts';
import { nullableTimestamp, timestamp } from './schemas.ts';

export const userId = z.uuid().describe('The subject (`sub`) of the person’s tokens.');
export const userParams = z.strictObject({ id: userId });
/** Whether somebody could have this id at all. */
export const isUserId = (text: string): boolean => userId.safeParse(text).success;

const role = z.enum(roles as ['operator', 'help-desk', 'auditor']);
const email = z.string().min(3).max(254).nullable();
const locale = z.string().max(35).nullable().describe('BCP 47.').meta({ example: 'de-CH' });
const zoneinfo = z.string().max(64).nullable().describe('IANA time zone.').meta({ example: 'Europe/Zurich' });
/** Claims the service itself answers for; they cannot be written as free claims. */
const ownClaims = new Set([
  'sub',
  'acr',
  'amr',
  'auth_time',
  'iss',
  'aud',
  'exp',
  'iat',
  'nonce',
  'sid',
  'roles',
  'updated_at',
  'email',
  'email_verified',
  'preferred_username',
  'locale',
  'zoneinfo',
]);
const claims = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine(
    (value) => !Object.keys(value).some((name) => ownClaims.has(name)),
    'holds a claim that has a field of its own',
  )
  .refine((value) => JSON.stringify(value).length <= 16_384, 'is larger than 16 KiB')
  .describe('Further claims, in the names of OpenID Connect Core section 5.1.')
  .meta({ example: { name: 'Ada Lovelace' } });

const writable = {
  email: email.optional(),
  email_verified: z.boolean().optional(),
  claims: claims.optional(),
  roles: z.array(role).max(3).optional().describe('Replaces the roles there are.'),
  locale: locale.optional(),
  zoneinfo: zoneinfo.optional(),
};

export const newUser = z
  .strictObject({ username: z.string().min(1).max(254), ...writable })
  .meta({ id: 'NewUser', description: 'No password: the person sets it by the link that is answered.' });

export const userChange = z
  .strictObject({ username: z.string().min(1).max(254).optional(), ...writable })
  .refine((value) => Object.keys(value).length > 0, 'holds nothing to change')
  .meta({ id: 'UserChange', description: 'What is left out stays as it is.' });

/** What a user shows and nobody can write. */
export const readOnlyOfUser = [
  'id',
  'status',
  'second_factor',
  'password_set',
  'password_changed_at',
  'password',
  'password_hash',
  'disabled_at',
  'created_at',
  'updated_at',
  'version',
];

export const authenticator = z
  .object({
    id: z.uuid(),
    label: z.string(),
    type: z.literal('totp'),
    created_at: timestamp,
    last_used_at: nullableTimestamp,
  })
  .meta({ id: 'Authenticator' });

export const user = z
  .object({
    id: userId,
    username: z.string(),
    email,
    email_verified: z.boolean(),
    status: z.enum(['active', 'disabled', 'pending']).describe('`pending`: no password is set; a link sets one.'),
    roles: z.array(role),
    claims: z.record(z.string(), z.unknown()),
    locale,
    zoneinfo,
    second_factor: z.object({
      enabled: z.boolean(),
      required: z.boolean().describe('By the policies for this person, whatever the relying party.'),
      closed: z.boolean().describe('Guessing closed it; `second-factor/reopen` opens it.'),
      pending: z.boolean().describe('An authenticator is shown and not confirmed yet.'),
      authenticators: z.array(authenticator),
      recovery_codes_remaining: z.int(),
      last_used_at: nullableTimestamp,
    }),
    password_set: z.boolean(),
    password_changed_at: nullableTimestamp,
    disabled_at: nullableTimestamp,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'User' });

/** A person as the API shows them; never a secret or a hash. */
export function showUser({ user: person, status, secondFactor }: ListedUser, required: boolean): z.input<typeof user> {
  return {
    id: person.id,
    username: person.username,
    email: person.email,
    email_verified: person.emailVerified,
    status,
    roles: [...person.roles],
    claims: { ...person.claims },
    locale: person.locale,
    zoneinfo: person.zoneinfo,
    second_factor: {
      enabled: secondFactor.authenticators.length > 0,
      required,
      closed: secondFactor.state === 'closed',
      pending: secondFactor.state === 'pending',
      authenticators: secondFactor.authenticators.map((one) => ({
        id: one.id,
        label: one.label,
        type: 'totp',
        created_at: one.createdAt.toISOString(),
        last_used_at: one.lastUsedAt?.toISOString() ?? null,
      })),
      recovery_codes_remaining: secondFactor.recoveryCodesRemaining,
      last_used_at: secondFactor.lastUsedAt?.toISOString() ?? null,
    },
    password_set: person.passwordHash !== null,
    password_changed_at: person.passwordChangedAt?.toISOString() ?? null,
    disabled_at: person.disabledAt?.toISOString() ?? null,
    created_at: person.createdAt.toISOString(),
    updated_at: person.updatedAt.toISOString(),
  };
}

/** What of a request is a change of the account, in the store's names. */
export function asUserChange(body: z.output<typeof userChange>) {
  const { email_verified: emailVerified, ...same } = body;
  const given = { ...same, ...(emailVerified === undefined ? {} : { emailVerified }) };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
