import { auditRoutes } from './audit-routes.ts';
import { clientRoutes } from './client-routes.ts';
import { helpRoutes } from './help-routes.ts';
import { importRoutes } from './import-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import type { Route } from './route.ts';
import { secondFactorRoutes } from './second-factor-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { userRoutes } from './user-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

/** Where the API lies below the issuer. */
export const adminApiPath = '/admin/api/v1';

/** Every call there is. A fixed path stands before one with a parameter in the same place. */
export const adminRoutes: readonly Route[] = [
  ...importRoutes,
  ...userRoutes,
  ...secondFactorRoutes,
  ...helpRoutes,
  ...sessionRoutes,
  ...clientRoutes,
  ...keyRoutes,
  ...auditRoutes,
  ...policyRoutes,
  ...webhookRoutes,
];
