import { clientsApply, clientsList } from './clients.ts';
import type { Command } from './command.ts';
import { policyDelete, policyList, policySet, policySimulate } from './policy.ts';
import { secondFactorReopen, secondFactorReset } from './second-factor.ts';
import { usersCreate, usersDisable, usersEnable, usersImport, usersList, usersShow } from './users.ts';

/** Every command that needs the stores, by the name under which it is sent. */
export const commands: Readonly<Record<string, Command>> = {
  'users create': usersCreate,
  'users list': usersList,
  'users show': usersShow,
  'users disable': usersDisable,
  'users enable': usersEnable,
  'users import': usersImport,
  'second-factor reset': secondFactorReset,
  'second-factor reopen': secondFactorReopen,
  'clients apply': clientsApply,
  'clients list': clientsList,
  'policy list': policyList,
  'policy set': policySet,
  'policy delete': policyDelete,
  'policy simulate': policySimulate,
};
