/**
 * Everything the record of the service knows to have happened, with one sentence on each. Closed: an event that is not
 * here cannot be written. A name never changes its meaning; what is read from old records must still be true.
 */
export const auditEventTypes = {
  'password.accepted': 'The password was right; details say whether the browser was known.',
  'password.refused': 'A password was refused: wrong, unknown, disabled, door-closed or wait.',
  'password.changed': 'The person changed the password.',
  'password.reset': 'The password was set by a mailed or an operator’s link.',
  'password.voided': 'The password no longer opens anything; a new one has to be set by a link.',
  'password.rehashed': 'The same password was stored under a dearer hash.',
  'challenge.spent': 'The tries of a challenge are used up; sign-in starts again at the password.',
  'challenge.abandoned': 'A challenge with wrong codes was left without a right one.',
  'one-time-code.accepted': 'A one-time code was accepted, once.',
  'one-time-code.refused': 'A one-time code was refused: wrong, replay, early or late.',
  'recovery-code.accepted': 'A recovery code was used; it is void now.',
  'recovery-code.refused': 'A recovery code was refused.',
  'recovery-codes.replaced': 'New recovery codes were made; the old ones are void.',
  'lane.closed': 'Too many failures in a row closed known browsers, or all others, for one person.',
  'lane.opened': 'A mailed link made a browser known, or a proof opened a closed lane.',
  'second-factor.closed': 'The cap of guesses for one password is reached: no code is compared any more.',
  'second-factor.reset': 'An operator unbound every authenticator of a person.',
  'second-factor.reopened': 'What guessing had closed was opened again.',
  'second-factor.unreadable': 'A stored secret did not open: a key is missing, or the row was changed.',
  'enrolment.started': 'A new authenticator was shown to be added.',
  'enrolment.confirmed': 'A new authenticator was confirmed by its first code.',
  'enrolment.refused': 'A code that should confirm an authenticator was refused.',
  'enrolment.cancelled': 'An authenticator that was never confirmed was given up.',
  'authenticator.imported': 'A hardware token was bound to a person from a list of seeds.',
  'authenticator.removed': 'An authenticator was removed.',
  'authenticator.renamed': 'An authenticator got another label.',
  'authenticator.restored': 'Removed authenticators were bound again by “this was not me”; details count them.',
  'trusted-browser.added': 'A browser was trusted: it may pass without a code where a relying party allows that.',
  'trusted-browser.used': 'A trusted browser stood in for the code.',
  'trusted-browser.revoked': 'A trusted browser is trusted no more.',
  'browser.new': 'A sign-in was completed from a browser the person had not used before.',
  'brake.applied': 'Many accounts were guessed at once: unknown browsers get fewer tries everywhere.',
  'brake.released': 'The surge of guesses is over.',
  'sign-in.completed': 'A sign-in was completed and a browser session began; details say with which factors.',
  'sign-in.refused': 'A sign-in was ended without success, by the person or by a rule.',
  'step-up.completed': 'A session proved the second factor it lacked.',
  'session.ended': 'A browser session ended; the reason says how.',
  'consent.granted': 'The person allowed a relying party what it asked for.',
  'consent.refused': 'The person refused what a relying party asked for.',
  'consent.revoked': 'The person or an operator took back what a relying party had been allowed.',
  'code.reused': 'An authorization code came a second time; its tokens were revoked.',
  'token.reused': 'A refresh token came again after its successor was used; its family was revoked.',
  'token-family.revoked': 'All tokens under one grant were revoked.',
  'backchannel.requested': 'A relying party asked a person who is elsewhere whether to sign them in (CIBA).',
  'backchannel.approved': 'The person approved such a request with a code.',
  'backchannel.refused': 'The person refused such a request.',
  'token.exchanged': 'A client asked for a token to act for a person, by a token of that person (RFC 8693).',
  'user.created': 'An account was made.',
  'user.imported': 'An account came from another system.',
  'user.changed': 'Attributes or roles of an account changed.',
  'user.disabled': 'An account was disabled; its sessions and refresh tokens ended.',
  'user.enabled': 'An account was enabled again.',
  'user.deleted': 'An account was deleted.',
  'user.erased': 'The key of a person’s fields in this record was destroyed; what they held cannot be read again.',
  'user.exported': 'The data of a person was exported, by the person or an operator.',
  'email.changed': 'The address of an account changed.',
  'email.confirmed': 'A person proved to receive mail at an address.',
  'link.issued': 'A single-use link was made; details say for what.',
  'link.used': 'A single-use link was used.',
  'not-me.used': 'The person said “this was not me”: sessions ended, recent changes undone.',
  'help.requested': 'A person without authenticator and recovery code asked for help.',
  'help.answered': 'An operator answered a request for help.',
  'relying-party.created': 'A relying party was registered.',
  'relying-party.changed': 'A relying party’s metadata changed.',
  'relying-party.deleted': 'A relying party was deleted.',
  'relying-party.secret-added': 'A relying party got another secret.',
  'relying-party.secret-removed': 'A secret of a relying party was made void.',
  'relying-party.refused': 'A registration or change of a relying party broke a rule and was refused.',
  'signing-key.created': 'A signing key was made and is published ahead of its use.',
  'signing-key.rotated': 'Another signing key signs from now on.',
  'signing-key.revoked': 'A signing key was withdrawn at once.',
  'encryption-key.rotated': 'Secrets at rest were sealed anew under another key.',
  'policy.changed': 'The second-factor policy changed.',
  'settings.weakened': 'The service started with a setting that weakens it; details name it.',
  'service.started': 'A replica of the service started.',
  'import.started': 'An import of accounts began.',
  'import.completed': 'An import of accounts ended; details count its lines.',
  'operator.read': 'An operator or service read what is sensitive; details say what.',
  'access.refused': 'A call of the account or admin API was refused: no, wrong or too weak a proof.',
  'request.refused': 'A form was refused that no page of ours sent, or that belongs to another session or proof.',
  'outbound.refused': 'An address that must not be reached was asked of the service.',
  'webhook.created': 'A webhook was registered.',
  'webhook.changed': 'A webhook’s address, events or secret changed.',
  'webhook.deleted': 'A webhook was deleted.',
  'audit.exported': 'This record was exported.',
  'audit.pruned': 'A month of this record was dropped after its time; its seals stay.',
  'backup.restored': 'The database was restored from a backup.',
} as const satisfies Readonly<Record<string, string>>;

export type AuditEventType = keyof typeof auditEventTypes;

/** Where a request came from; as the trusted proxy saw it, never as the client says. */
export interface RequestContext {
  readonly requestId: string;
  readonly address: string;
  readonly userAgent: string;
  /** The language of the page, where the person themselves read it: that of a mail to whoever chose none. */
  readonly locale?: string;
}

/** The context of what the service does by itself. */
export const serviceContext: RequestContext = { requestId: '', address: '', userAgent: '' };

export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditEvent {
  readonly type: AuditEventType;
  /** Who acted: a user's id, `client:<id>`, `command-line`, `service` or `anonymous`. */
  readonly actor: string;
  /** Whom or what it concerns: a user's id, `client:<id>` or the like; '' where nobody. */
  readonly target: string;
  readonly result: 'success' | 'failure';
  /** A word of a closed list, or an operator's written reason. */
  readonly reason?: string;
  /** Further facts that tell nothing of a person; never a secret. */
  readonly details?: AuditDetails;
  /** Further facts about the target person (a name, an address, a label): unreadable once the person is erased. */
  readonly personal?: Readonly<Record<string, string>>;
  readonly context: RequestContext;
}
