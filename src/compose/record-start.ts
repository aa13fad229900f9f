import { weakenedSettings } from '../config/weakened-settings.ts';
import { serviceContext } from '../domain/audit-event.ts';
import { productVersion } from './product-version.ts';
import type { Services } from './services.ts';

/** Records that a replica began to serve, in which version, and by which settings it is weaker than it could be. */
export async function recordStart({ settings, inTransaction, logger }: Services): Promise<void> {
  const version = productVersion();
  const weak = weakenedSettings(settings);
  for (const setting of weak) logger.warn({ setting }, 'a setting makes the service weaker than its default');
  const event = { actor: 'service', target: '', result: 'success', context: serviceContext } as const;
  await inTransaction(({ audit }) =>
    audit.recordAll([
      { ...event, type: 'service.started', details: { version } },
      ...weak.map((setting) => ({ ...event, type: 'settings.weakened' as const, details: { setting } })),
    ]),
  );
}
