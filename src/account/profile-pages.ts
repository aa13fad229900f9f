import type { FormError } from '../http/page-parts.ts';
import { readProfile } from '../domain/profile.ts';
import { frameOf, goTo, type AccountRequest } from './account-request.ts';
import { proveChange, statusOf, takeCode, takeCurrentPassword } from './change-proof.ts';

/** Names, language, time zone and the address. */
export async function showProfile(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user, fields } = request;
  const { enabled } = await services.status(user.id);
  const claim = (name: string): string | undefined => {
    const value = fields.get(name) ?? user.claims[name];
    return typeof value === 'string' ? value : undefined;
  };
  services.views.page(
    ctx,
    'profile',
    {
      ...frameOf(request, error),
      profile: {
        name: claim('name'),
        givenName: claim('given_name'),
        familyName: claim('family_name'),
        locale: fields.get('locale') ?? user.locale,
        zoneinfo: fields.get('zoneinfo') ?? user.zoneinfo,
      },
      email: {
        address: user.email,
        verified: user.emailVerified,
        waiting: await services.waitingAddress(user.id),
      },
      emailProof: { password: true, code: enabled },
    },
    { status: statusOf(error) },
  );
}

export async function saveProfile(request: AccountRequest): Promise<void> {
  const { services, user, fields, context } = request;
  const languages = services.views.languages.all.map(({ tag }) => tag);
  const read = readProfile((name) => fields.get(name) ?? '', languages);
  if (read.kind === 'refused') return showProfile(request, read.error);
  if (!(await proveChange(request))) return;
  await services.changeProfile(user.id, read.profile, context);
  goTo(request, '/account/profile', 'profile-saved');
}

/**
 * Another address takes the current password and a code. It changes nothing by itself: the link that goes there does,
 * and the old address is told.
 */
export async function changeAddress(request: AccountRequest): Promise<void> {
  const { services, user, fields, context } = request;
  const email = fields.get('email') ?? '';
  const invalid: FormError = { code: 'email-invalid', field: 'email' };
  if (!services.isEmailAddress(email.trim())) return showProfile(request, invalid);
  const wrong = await takeCurrentPassword(request);
  if (wrong !== undefined) return showProfile(request, wrong);
  if ((await services.status(user.id)).enabled) {
    const refused = await takeCode(request);
    if (refused === 'signing-in') return;
    if (refused !== undefined) return showProfile(request, refused);
  } else if (!(await proveChange(request))) return;
  const { kind } = await services.sendAddressLink(user.id, email, context);
  if (kind === 'invalid') return showProfile(request, invalid);
  goTo(request, '/account/profile', 'email-link-sent');
}
