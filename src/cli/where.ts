import type { User } from '../domain/user.ts';
import { InvalidInput } from '../errors.ts';
import type { SecondFactorStatus } from '../second-factor/status.ts';
import type { UserStatus } from '../users/user-directory.ts';
import { textOption, type CommandOptions } from './command.ts';
import type { Services } from '../compose/services.ts';

export interface Person {
  readonly user: User;
  readonly secondFactor: SecondFactorStatus;
}

type Condition = (person: Person) => boolean;

const conditions: Readonly<Record<string, (value: string) => Condition>> = {
  status: (value) => {
    oneOf('status', value, ['active', 'disabled', 'pending']);
    return ({ user }) => statusWord(user) === value;
  },
  second_factor: (value) => {
    oneOf('second_factor', value, ['enabled', 'none', 'closed']);
    return ({ secondFactor }) => secondFactorWord(secondFactor) === value;
  },
  role: (value) => {
    oneOf('role', value, ['operator', 'help-desk', 'auditor']);
    return ({ user }) => user.roles.some((role) => role === value);
  },
  email_domain: (value) => {
    const ending = `@${value.toLowerCase()}`;
    return ({ user }) => user.email?.toLowerCase().endsWith(ending) === true;
  },
  username_prefix:
    (value) =>
    ({ user }) =>
      user.username.toLowerCase().startsWith(value.toLowerCase()),
  created_before: (value) => {
    const at = Date.parse(value);
    if (Number.isNaN(at)) throw new InvalidInput('where', `created_before is a date, got '${value}'`);
    return ({ user }) => user.createdAt.getTime() < at;
  },
};

export const whereHelp = `conditions, all of which must hold: ${Object.keys(conditions).join('=, ')}=`;

/** Reads `role=help-desk,second_factor=none`. Throws `InvalidInput` for what it does not know: a typing error must not widen an act. */
export function readWhere(text: string): Condition {
  const all = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((part) => {
      const [name = '', value = ''] = part.split(/=(.*)/s);
      const make = Object.hasOwn(conditions, name) ? conditions[name] : undefined;
      if (make === undefined || value === '') {
        throw new InvalidInput('where', `'${part}' is no condition; there are ${Object.keys(conditions).join(', ')}`);
      }
      return make(value);
    });
  if (all.length === 0) throw new InvalidInput('where', 'name one condition at least');
  return (person) => all.every((holds) => holds(person));
}

/** As the admin API has it: `pending` has no password. */
export function statusWord({ disabledAt, passwordHash }: User): UserStatus {
  return disabledAt !== null ? 'disabled' : passwordHash === null ? 'pending' : 'active';
}

export function secondFactorWord({ closed, enabled }: SecondFactorStatus): 'closed' | 'enabled' | 'none' {
  return closed ? 'closed' : enabled ? 'enabled' : 'none';
}

/** Everyone, by user name, a page at a time. */
export async function* everyone({ manageUsers, status }: Services): AsyncGenerator<Person, void, void> {
  for (let after: string | undefined; ;) {
    const page = await manageUsers.list(200, after);
    for (const user of page) yield { user, secondFactor: await status(user.id) };
    after = page.at(-1)?.username;
    if (after === undefined || page.length < 200) return;
  }
}

/**
 * Whom an act is for: the one that was named, or all that `--where` holds for, listed before the first is touched so
 * that the act itself does not move the list. Throws `InvalidInput` where neither or both are given.
 */
export async function chosen(services: Services, options: CommandOptions): Promise<User[]> {
  const name = textOption(options, 'user');
  const where = textOption(options, 'where');
  if ((name === '') === (where === '')) throw new InvalidInput('user', 'name a user, or say --where');
  if (name !== '') return [await services.manageUsers.find(name)];
  const holds = readWhere(where);
  const found: User[] = [];
  for await (const person of everyone(services)) if (holds(person)) found.push(person.user);
  return found;
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw new InvalidInput('where', `${name} is one of ${allowed.join(', ')}, got '${value}'`);
}
