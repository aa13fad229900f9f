import type { DataFolder } from '../config/data-folder.ts';
import type { Settings } from '../config/settings-table.ts';
import { SetupFault } from '../errors.ts';

/** The keys in force: those of the settings, else those that the data folder keeps. */
export function keysOf(settings: Settings, folder: DataFolder | undefined) {
  const encryption = settings.encryptionKeys ?? folder?.encryptionKeys ?? [];
  const cookies = settings.cookieKeys ?? folder?.cookieKeys ?? [];
  if (cookies.length === 0) {
    throw new SetupFault('cookie_keys_missing', 'COOKIE_KEYS: no key is set. Make one with: openssl rand -base64 32');
  }
  return { encryption, cookies: [...cookies] };
}
