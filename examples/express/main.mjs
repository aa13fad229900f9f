import express from 'express';
import openid from 'express-openid-connect';

// An Express application that signs people in with Twofold, and asks for two factors at one of its pages.
// ISSUER, BASE_URL, CLIENT_ID, CLIENT_SECRET and COOKIE_SECRET say where everything is.
// PORT differs from that of BASE_URL behind a proxy (see examples/nginx).
const { ISSUER, BASE_URL, CLIENT_ID, CLIENT_SECRET, COOKIE_SECRET, PORT } = process.env;
const twoFactors = 'urn:twofold:acr:2fa';
const { auth, requiresAuth } = openid;
const app = express();

app.use(
  auth({
    issuerBaseURL: ISSUER,
    baseURL: BASE_URL,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    secret: COOKIE_SECRET,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: 'code', scope: 'openid profile email', acr_values: twoFactors },
  }),
);

app.get('/', (req, res) => {
  res.type('html').send(req.oidc.isAuthenticated() ? '<a href="/profile">Profile</a>' : '<a href="/login">Sign in</a>');
});

app.get('/profile', requiresAuth(), (req, res) => {
  // What was asked for is not always what was given: look at the claim.
  if (req.oidc.idTokenClaims.acr !== twoFactors) return res.status(403).send('Two factors are needed here.');
  return res.json({ user: req.oidc.user, acr: req.oidc.idTokenClaims.acr, amr: req.oidc.idTokenClaims.amr });
});

// For nginx: may the browser with these cookies see the site?
app.get('/authorized', (req, res) => {
  res.sendStatus(req.oidc.isAuthenticated() && req.oidc.idTokenClaims.acr === twoFactors ? 204 : 401);
});

app.listen(Number(PORT ?? new URL(BASE_URL).port), '127.0.0.1', () => console.log(`listening on ${BASE_URL}`));
