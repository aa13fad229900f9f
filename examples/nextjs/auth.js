import NextAuth from 'next-auth';

// AUTH_SECRET, AUTH_URL, ISSUER, CLIENT_ID and CLIENT_SECRET say where everything is.
export const { handlers, auth, signIn } = NextAuth({
  trustHost: true,
  providers: [
    {
      id: 'twofold',
      name: 'Twofold',
      type: 'oidc',
      issuer: process.env.ISSUER,
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      checks: ['pkce', 'state', 'nonce'],
      authorization: { params: { scope: 'openid profile email', acr_values: 'urn:twofold:acr:2fa' } },
    },
  ],
  callbacks: {
    // What the ID token says of the sign-in, kept in the application's own session.
    jwt: ({ token, profile }) => (profile ? { ...token, sub: profile.sub, acr: profile.acr, amr: profile.amr } : token),
    session: ({ session, token }) => ({ ...session, sub: token.sub, acr: token.acr, amr: token.amr }),
  },
});
