import type { AdminServices } from '../admin/admin-services.ts';
import { createPrompts } from '../interaction/prompts.ts';
import type { ProviderOptions } from '../provider/create-provider.ts';
import { createAdminServices } from './admin-services.ts';
import { createHandleProtocol } from './handle-protocol.ts';
import type { Services } from './services.ts';

const noPage = (): never => {
  throw new Error('the command line draws no page');
};
const pages: ProviderOptions['pages'] = {
  error: noPage,
  logout: noPage,
  loggedOut: noPage,
  deviceInput: noPage,
  deviceConfirm: noPage,
  deviceDone: noPage,
};

/** The admin API's services for the command line, and what the engine demands of a relying party's metadata. */
export async function createCommandAdmin(
  services: Services,
): Promise<
  { readonly admin: AdminServices } & Pick<Awaited<ReturnType<typeof createHandleProtocol>>, 'checkMetadata'>
> {
  const { settings, acrNames: acr } = services;
  const { protocol: scheme, pathname } = new URL(settings.issuer);
  const protocol = await createHandleProtocol({
    services,
    acr,
    secure: scheme === 'https:',
    prefix: pathname.replace(/\/$/, ''),
    pages,
    policy: createPrompts(noPage),
    isSignInComplete: noPage,
  });
  return { admin: createAdminServices({ services, protocol, acr }), checkMetadata: protocol.checkMetadata };
}
