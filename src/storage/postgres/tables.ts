import type { AuditTables } from './tables/audit.ts';
import type { NotificationTables } from './tables/notifications.ts';
import type { OperatorTables } from './tables/operators.ts';
import type { PolicyTables } from './tables/policies.ts';
import type { ProviderTables } from './tables/provider.ts';
import type { SecondFactorTables } from './tables/second-factor.ts';
import type { UserTables } from './tables/users.ts';

/** Every table of the database, as kysely sees it; each feature describes its own. */
export interface Tables
  extends
    UserTables,
    SecondFactorTables,
    ProviderTables,
    AuditTables,
    NotificationTables,
    OperatorTables,
    PolicyTables {}
