import type { Fault } from '../../errors.ts';
import type { FormError } from '../../http/page-parts.ts';
import { UnsafeRedirect } from '../../relying-parties/manage-relying-parties.ts';

/** The fields of the forms by the names of RFC 7591. */
const fieldOf: Readonly<Record<string, string>> = {
  client_name: 'name',
  redirect_uris: 'redirect_uris',
  post_logout_redirect_uris: 'sign_out_uris',
  scope: 'scope',
};

/** What was refused of a relying party, at its field; `rest` is the field of all that has none of its own. */
export function clientError(fault: Fault, rest?: string): FormError {
  if (fault.code === 'version_changed') return { code: 'changed-meanwhile' };
  const [name = ''] = (fault.field ?? '').split('.');
  const field = fieldOf[name] ?? (name === '' ? undefined : rest);
  const at = field === undefined ? {} : { field };
  if (fault instanceof UnsafeRedirect && fault.why !== 'unsafe') {
    return { ...at, code: `redirect-${fault.why}`, values: { address: fault.uri } };
  }
  const isNamed = name in fieldOf || name === '' || fault.message.startsWith(name);
  return { ...at, code: 'refused', words: isNamed ? fault.message : `${name}: ${fault.message}` };
}

/** What was typed, one address a line. */
export function linesOf(text: string | undefined): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
