import { hashToken, newToken } from '../crypto/random.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { CompletedSignIn, InteractionServices } from '../interaction/step.ts';
import { tellAfterSignIn } from '../second-factor/tell-of-failures.ts';
import type { ProvenPerson } from '../users/sign-in-person-store.ts';
import type { Services } from './services.ts';
import type { Stores } from './stores.ts';
import { trustCookie } from './trusted-browser-cookie.ts';

const ninetyDays = 90 * 86_400;

type Exchange = Parameters<InteractionServices['findProven']>[0];
type Completes = Pick<InteractionServices, 'verifyOneTimeCode' | 'completeSignIn' | 'findProven'>;

/** How a sign-in is recorded as complete: with the acceptance of its code, or by itself where more has to be done. */
export function createCompletion(
  services: Services,
  cookies: CookieJar,
  requestContext: InteractionServices['requestContext'],
): Completes {
  const { inTransaction, inOneTrip, reading, settings, secondFactor } = services;

  /** The hash of the cookie of a browser that completed a sign-in before. */
  function browserHash(ctx: Exchange): string | undefined {
    const token = cookies.get(ctx, cookies.browser);
    return token && hashToken(token);
  }

  /** What is recorded of a complete sign-in, and the browser's token. */
  function completionOf(ctx: Exchange, { person, clientId, acr, amr, proof, stepUp }: CompletedSignIn) {
    const userId = person.user.id;
    const context = requestContext(ctx);
    const before = cookies.get(ctx, cookies.browser);
    const known = before !== undefined && person.isKnownBrowser;
    const byPasswordAlone = proof === 'none';
    const token = known ? before : newToken();
    const event = { actor: userId, target: userId, result: 'success', context } as const;
    const details = { client: clientId, acr, amr: amr.join(' ') };
    const completed = { ...event, type: stepUp ? 'step-up.completed' : 'sign-in.completed', details } as const;
    return {
      token,
      events: known ? [completed] : [completed, { ...event, type: 'browser.new' } as const],
      write: ({ knownBrowsers, outbox }: Stores) =>
        Promise.all([
          known
            ? knownBrowsers.renew(hashToken(token), userId, byPasswordAlone)
            : knownBrowsers.insert(hashToken(token), userId, context.userAgent, byPasswordAlone),
          ...(known ? [] : [outbox.enqueue({ kind: 'browser-new', userId, context })]),
        ]),
    };
  }

  /** The session of a sign-in is not written yet: it makes the number full. */
  function areTooMany({ person, stepUp }: Pick<CompletedSignIn, 'person' | 'stepUp'>): boolean {
    return !stepUp && person.liveSessions >= settings.sessionsPerPerson;
  }

  return {
    async verifyOneTimeCode(ctx, attempt, completing) {
      if (completing === undefined) return services.verifyOneTimeCode(attempt);
      let person: ProvenPerson | undefined;
      let token: string | undefined;
      const outcome = await services.verifyOneTimeCode({
        ...attempt,
        beside: {
          async read({ signInPeople }) {
            person = await signInPeople.findProven(attempt.userId, browserHash(ctx), false);
          },
          follow() {
            if (person === undefined || person.failedChallenges > 0 || !completing.isStillProven(person.user)) return;
            if (areTooMany({ ...completing, person })) return;
            const { user } = person;
            const completion = completionOf(ctx, { ...completing, person });
            token = completion.token;
            return {
              events: completion.events,
              write: (stores) =>
                Promise.all([
                  stores.signInPeople.failUnlessAsRead({
                    userId: user.id,
                    securityStamp: user.securityStamp,
                    changePasswordAt: secondFactor.limits.changePasswordAt,
                  }),
                  completion.write(stores),
                ]),
            };
          },
        },
      });
      if (outcome.kind === 'accepted' && outcome.isFollowed && token !== undefined) {
        cookies.set(ctx, cookies.browser, token, ninetyDays);
      }
      return outcome;
    },
    findProven: (ctx, userId) => reading(({ signInPeople }) => signInPeople.findProven(userId, browserHash(ctx), true)),
    async completeSignIn(ctx, completed) {
      const { person, clientId, proof } = completed;
      const userId = person.user.id;
      const context = requestContext(ctx);
      const tooMany = areTooMany(completed);
      if (tooMany || person.failedChallenges > 0) {
        await inTransaction(async (stores) => {
          await tellAfterSignIn(stores, userId, context);
          if (!tooMany) return;
          const count = await stores.sessions.endIdlest(userId, settings.sessionsPerPerson - 1, 'too-many');
          if (count === 0) return;
          const event = { actor: userId, target: userId, result: 'success', context } as const;
          await stores.audit.record({ ...event, type: 'session.ended', reason: 'too-many', details: { count } });
        });
      }
      const { token, events, write } = completionOf(ctx, completed);
      await inOneTrip([userId], (stores) => Promise.all([stores.audit.recordAll(events), write(stores)]));
      cookies.set(ctx, cookies.browser, token, ninetyDays);
      if (proof !== 'trusted-browser') return;
      const trusted = await services.trustedBrowsers.find(cookies.get(ctx, trustCookie(userId)), userId);
      if (trusted !== undefined) await services.trustedBrowsers.used(userId, trusted.id, clientId, context);
    },
  };
}
