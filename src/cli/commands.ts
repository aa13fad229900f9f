import { afterRestoreGroup } from './after-restore.ts';
import { auditGroup } from './audit.ts';
import { authenticatorsGroup } from './authenticators.ts';
import { backupGroup } from './backup.ts';
import { callGroup } from './call.ts';
import { clientsGroup } from './clients.ts';
import type { Command, CommandGroup } from './command.ts';
import { doctorGroup } from './doctor.ts';
import { importGroup } from './import.ts';
import { initialAccessTokenGroup } from './initial-access-token.ts';
import { keysGroup } from './keys.ts';
import { policyGroup } from './policy.ts';
import { restoreGroup } from './restore.ts';
import { secondFactorGroup } from './second-factor.ts';
import { secretsGroup } from './secrets.ts';
import { settingsGroup } from './settings.ts';
import { usersGroup } from './users.ts';
import { webhooksGroup } from './webhooks.ts';

/** Every subject the command line knows; a new one is a file beside these and a line here. */
export const groups: readonly CommandGroup[] = [
  settingsGroup,
  usersGroup,
  importGroup,
  secondFactorGroup,
  authenticatorsGroup,
  clientsGroup,
  initialAccessTokenGroup,
  policyGroup,
  keysGroup,
  auditGroup,
  webhooksGroup,
  callGroup,
  doctorGroup,
  backupGroup,
  restoreGroup,
  afterRestoreGroup,
  secretsGroup,
];

/** Every command that needs the stores, by the name under which it is sent. */
export const commands: Readonly<Record<string, Command>> = Object.fromEntries(
  groups.flatMap((group) => Object.entries(group.commands)),
);
