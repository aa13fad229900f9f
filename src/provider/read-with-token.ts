import type { User } from '../domain/user.ts';
import { requestOrigin, type RequestOrigin } from './request-origin.ts';
import type { FoundToken } from './stores.ts';

type Beside = Pick<FoundToken, 'grant' | 'user'>;

const beside = new WeakMap<RequestOrigin, Beside>();

/** Keeps what the look-up of a token read beside it: the engine asks for it next, within the same request. */
export function noteReadWithToken({ grant, user }: Beside): void {
  const request = requestOrigin.getStore();
  if (request !== undefined) beside.set(request, { grant, user });
}

/** The grant of the token just read, once: whoever asks again may have changed it. */
export function takeGrantReadWithToken(grantId: string): Record<string, unknown> | undefined {
  const request = requestOrigin.getStore();
  const read = request && beside.get(request);
  if (request === undefined || read?.grant?.id !== grantId) return undefined;
  beside.set(request, { ...read, grant: undefined });
  return read.grant.payload;
}

/** The person of the token just read, who is not disabled. */
export function userReadWithToken(userId: string): User | undefined {
  const request = requestOrigin.getStore();
  const read = request && beside.get(request);
  return read?.user.id === userId ? read.user : undefined;
}
