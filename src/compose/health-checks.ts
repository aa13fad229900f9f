import { Fault } from '../errors.ts';
import { weakenedSettings } from '../config/weakened-settings.ts';
import type { Services } from './services.ts';
import { readBacklog } from '../storage/postgres/backlog.ts';
import { readServer, sampleSealed } from '../storage/postgres/doctor-facts.ts';
import { migrationStatus } from '../storage/postgres/migrate.ts';
import { verifyMailServer } from '../notifications/mail-transport.ts';

export interface Finding {
  readonly state: 'ok' | 'warning' | 'failed';
  readonly what: string;
  /** What to do about it, where there is something to do. */
  readonly advice?: string;
}

type Check = (services: Services) => Promise<Finding | readonly Finding[]>;

const ok = (what: string): Finding => ({ state: 'ok', what });
const warning = (what: string, advice: string): Finding => ({ state: 'warning', what, advice });
const failed = (what: string, advice: string): Finding => ({ state: 'failed', what, advice });

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

const sampled = 200;
const day = 86_400;

/** A finding with the name of its check. */
export interface NamedFinding extends Finding {
  readonly check: string;
}

/** Asks every check, one after the other; one that cannot be asked has failed. */
export async function* checkHealth(services: Services): AsyncGenerator<NamedFinding> {
  for (const [check, ask] of Object.entries(checks)) {
    const found = await ask(services).catch((error: unknown): Finding => {
      // Only our own words: a driver's may hold an address or a name.
      const what = error instanceof Fault ? error.message : 'could not be looked at';
      return { state: 'failed', what, advice: 'see the service’s log' };
    });
    for (const finding of Array.isArray(found) ? (found as readonly Finding[]) : [found as Finding]) {
      yield { check, ...finding };
    }
  }
}

/** Everything an operator would look at, by its name; each is asked by itself, so that one that fails hides no other. */
const checks: Readonly<Record<string, Check>> = {
  async database({ database }) {
    const { version } = await readServer(database.kysely);
    if (!database.embedded && Number.parseInt(version, 10) < 15) {
      return failed(`PostgreSQL ${version}`, 'use PostgreSQL 15 or later');
    }
    return ok(`${database.embedded ? 'embedded ' : ''}PostgreSQL ${version} answers`);
  },

  async redis({ settings, ping }) {
    if (settings.redisUrl === undefined) return ok('in this process: one replica only');
    await ping();
    return ok('Redis answers');
  },

  async migrations({ database }) {
    const all = await migrationStatus(database.kysely);
    const waiting = all.filter(({ appliedAt }) => appliedAt === null).map(({ name }) => name);
    if (waiting.length === 0) return ok(`all ${all.length} are applied`);
    return failed(`${waiting.length} are not applied, ${waiting[0]} the first`, 'run twofold migrate');
  },

  async clock({ database, clock }) {
    const before = clock.epochMilliseconds();
    const { milliseconds } = await readServer(database.kysely);
    // The answer was on its way for a part of the time between the two.
    const seconds = Math.abs(milliseconds - (before + clock.epochMilliseconds()) / 2) / 1000;
    const what = `${seconds.toFixed(1)} seconds from the database's`;
    const advice = 'one-time codes depend on it: run NTP on both machines';
    return seconds < 2 ? ok(what) : seconds < 15 ? warning(what, advice) : failed(what, advice);
  },

  async encryption_keys({ database, secretBox, keys }) {
    const samples = await sampleSealed(database.kysely, sampled);
    const unreadable = samples.filter(({ sealed, ...context }) => {
      try {
        secretBox.open(sealed, context);
        return false;
      } catch {
        return true;
      }
    });
    if (unreadable.length > 0) {
      const tables = [...new Set(unreadable.map(({ table }) => table))].join(', ');
      return failed(
        `${unreadable.length} of ${samples.length} sealed values do not open (${tables})`,
        'put the key that is missing back into ENCRYPTION_KEYS',
      );
    }
    const looked = counted(samples.length, 'sealed value');
    return ok(`${counted(keys.encryption.length, 'key')}, ${looked} looked at, all open`);
  },

  async signing_keys({ manageSigningKeys, settings, clock }) {
    const all = await manageSigningKeys.list();
    const active = all.filter(({ state }) => state === 'active');
    if (active.length === 0) {
      return failed('none is active', 'start the service, which makes them, or run twofold keys rotate');
    }
    const longest = (settings.signingKeyDays + 2) * day;
    const old = active.filter((key) => clock.epochSeconds() - (key.activatedAt?.getTime() ?? 0) / 1000 > longest);
    if (old.length > 0) {
      return warning(`${old[0]?.kid} should have been rotated`, 'see the log for what keeps it from rotating');
    }
    return ok(active.map(({ kid, algorithm }) => `${algorithm} ${kid}`).join(', '));
  },

  async mail({ settings, folder }) {
    if (settings.smtpUrl === undefined) {
      if (settings.production && folder === undefined) {
        return failed('nothing can be sent', 'set TWOFOLD_SMTP_URL');
      }
      return warning('mails become files in the data folder', 'set TWOFOLD_SMTP_URL, so that people get them');
    }
    const { smtpUrl: url, smtpUser: user, smtpPassword: password, smtpStartTls: startTls } = settings;
    const answer = await verifyMailServer({ url, user, password, startTls }, new URL(settings.issuer).hostname);
    if (answer !== undefined) return failed(`the mail server: ${answer}`, 'see TWOFOLD_SMTP_URL, _USER and _PASSWORD');
    return ok('the mail server answers and takes our name');
  },

  async outbox({ database }) {
    const { outbox } = await readBacklog(database.kysely);
    const [channel, seconds] = Object.entries(outbox).sort(([, one], [, two]) => two - one)[0] ?? ['mail', 0];
    if (seconds < 300) return ok('nothing waits for long');
    return warning(`${channel} waits since ${Math.round(seconds / 60)} minutes`, 'see the log for why it is refused');
  },

  async audit({ database }) {
    const { unsealed } = await readBacklog(database.kysely);
    if (unsealed < 120) return ok('the record is sealed up to now');
    return warning(
      `events wait for their seal since ${Math.round(unsealed / 60)} minutes`,
      'does the service run? If so, see its log for the sealer',
    );
  },

  async proxies({ settings }) {
    const { trustedProxies, issuer } = settings;
    if (trustedProxies.some((entry) => entry.endsWith('/0'))) {
      return failed('TRUSTED_PROXIES believes everyone', "name your proxies' own addresses");
    }
    if (issuer.startsWith('https:') && trustedProxies.length === 0) {
      return warning(
        'TRUSTED_PROXIES is empty',
        "name your proxy's address, or everybody shares the limits of one address",
      );
    }
    return ok(trustedProxies.length === 0 ? 'none are believed' : `${trustedProxies.join(', ')} are believed`);
  },

  async issuer({ settings }) {
    const { issuer } = settings;
    const advice = 'is the service running, and does the proxy pass this address to it?';
    const url = `${issuer}/.well-known/openid-configuration`;
    let answer: Response;
    try {
      answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) });
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } };
      return failed(`${issuer} does not answer (${cause?.code ?? (error as Error).name})`, advice);
    }
    if (!answer.ok) return failed(`${url} answers ${answer.status}`, advice);
    const metadata = (await answer.json().catch(() => ({}))) as { issuer?: unknown };
    if (metadata.issuer === issuer) return ok(`${issuer} answers for itself`);
    return failed(`${issuer} is answered by somebody else`, 'set ISSUER to the address that people use');
  },

  async settings({ settings }) {
    const weak = weakenedSettings(settings);
    if (weak.length === 0) return ok('none is weaker than its default');
    return weak.map((name) => warning(`${name} is weaker than its default`, 'take it away if nobody needs it'));
  },
};
