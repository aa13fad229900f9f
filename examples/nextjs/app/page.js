import { auth, signIn } from '../auth.js';

export default async function Page() {
  const session = await auth();
  // What was asked for is not always what was given: look at the claim.
  if (session?.acr === 'urn:twofold:acr:2fa') return <pre>{JSON.stringify(session)}</pre>;
  return (
    <form
      action={async () => {
        'use server';
        await signIn('twofold', { redirectTo: '/' });
      }}
    >
      <button type="submit">Sign in</button>
    </form>
  );
}
