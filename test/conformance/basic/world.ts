import type { AnswerMode } from '../../support/conformance-party.ts';
import { ConformanceParty } from '../../support/conformance-party.ts';
import { startConformanceService } from '../../support/conformance-service.ts';
import type { TestPerson, TestService } from '../../support/service.ts';
import { newBrowserOf } from '../../support/sign-in.ts';
import type { UserAgent } from '../../support/user-agent.ts';

/** What a module has to work with: the service and two relying parties of it. */
export interface World {
  readonly service: TestService;
  readonly mode: AnswerMode;
  readonly party: ConformanceParty;
  /** Another relying party, for what must not pass from one to the other. */
  readonly second: ConformanceParty;
  /** One that sends its secret in the body. */
  readonly secretPost: ConformanceParty;
  /** Somebody who never signed in, in a browser of their own: a one-time code serves once. */
  newcomer(): Promise<{ readonly person: TestPerson; readonly agent: UserAgent }>;
}

/** A module of the plan: it throws where the service does not conform. */
export type Module = (world: World) => Promise<void>;

/** What every person's account says, for the modules that ask for it by scope. */
export const profile = {
  name: 'Ada Lovelace',
  given_name: 'Ada',
  family_name: 'Lovelace',
  middle_name: 'King',
  nickname: 'Ada',
  profile: 'https://people.example/ada',
  picture: 'https://people.example/ada.png',
  website: 'https://ada.example',
  gender: 'female',
  birthdate: '1815-12-10',
};
export const phone = { phone_number: '+44 20 7946 0000', phone_number_verified: false };
export const address = { address: { formatted: '12 St James Square, London', country: 'GB' } };

export async function createWorld(mode: AnswerMode): Promise<World> {
  const service = await startConformanceService();
  const metadata = { token_endpoint_auth_method: 'client_secret_post' };
  return {
    service,
    mode,
    party: await ConformanceParty.register(service, { mode }),
    second: await ConformanceParty.register(service, { mode }),
    secretPost: await ConformanceParty.register(service, { mode, metadata }),
    async newcomer() {
      const person = await service.addPerson();
      await service.composed.services.database.kysely
        .updateTable('users')
        .set({ claims: JSON.stringify({ ...profile, ...phone, ...address }), locale: 'en', zoneinfo: 'Europe/London' })
        .where('id', '=', person.id)
        .execute();
      return { person, agent: newBrowserOf(service) };
    },
  };
}
