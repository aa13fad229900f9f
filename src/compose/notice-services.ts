import type { AttemptStore } from '../attempt-store.ts';
import type { Settings } from '../config/settings-table.ts';
import { createCloseAbandoned, createTellAfterSignIn } from '../second-factor/tell-of-failures.ts';
import type { InTransaction } from '../transaction.ts';
import { createHelpRequests } from '../users/help-requests.ts';
import { createLinkRequests } from '../users/link-requests.ts';
import { createMailedLinks } from '../users/mailed-links.ts';
import { createThisWasNotMe } from '../users/this-was-not-me.ts';
import type { Stores } from './stores.ts';

export interface NoticeParts {
  readonly settings: Settings;
  readonly inTransaction: InTransaction<Stores>;
  readonly attempts: AttemptStore;
}

/** What people are told, the links that are mailed to them, and the requests for help. */
export function createNoticeServices({ settings, inTransaction, attempts }: NoticeParts) {
  const mailMatters = settings.production || settings.smtpUrl !== undefined;
  return {
    helpRequests: createHelpRequests({ inTransaction, attempts }),
    linkRequests: createLinkRequests({ inTransaction, attempts }),
    mailedLinks: createMailedLinks(inTransaction),
    thisWasNotMe: createThisWasNotMe(inTransaction),
    /** Closes challenges that were left with wrong codes, and tells of them; to be called now and then. */
    closeAbandoned: createCloseAbandoned(inTransaction),
    tellAfterSignIn: createTellAfterSignIn(inTransaction),
    firstEnrolment: settings.firstEnrolment ?? (mailMatters ? ('mail' as const) : ('none' as const)),
  };
}
