// oidc-provider as somebody's OpenID provider. Usage: node provider.mjs SETTINGS.json
//   port, clients (as the library takes them), jwks, people (name -> {password, claims}), claimsInIdToken
import fs from 'node:fs';
import http from 'node:http';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(fs.readFileSync(process.argv[2]));
const { port, people } = settings;
const issuer = `http://127.0.0.1:${port}`;
const enabled = { enabled: true };

const provider = new Provider(issuer, {
  clients: settings.clients,
  jwks: settings.jwks,
  // Cookies know no ports: another provider on this address must not meet ours.
  cookies: {
    keys: ['tests'],
    names: { session: `op_session_${port}`, interaction: `op_interaction_${port}`, resume: `op_resume_${port}` },
  },
  scopes: ['openid', 'offline_access'],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'groups'],
  },
  conformIdTokenClaims: !settings.claimsInIdToken,
  pkce: { required: () => true },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  features: {
    devInteractions: { enabled: false },
    revocation: enabled,
    introspection: enabled,
    userinfo: enabled,
    rpInitiatedLogout: enabled,
    backchannelLogout: enabled,
  },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 600, RefreshToken: 86400, Session: 86400 },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub]?.claims }) }),
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),   // it would not call loopback addresses
  interactions: { url: (ctx, interaction) => `/sign-in/${interaction.uid}` },
});

provider.on('server_error', (ctx, error) => console.error('server_error', error));
for (const event of ['authorization.error', 'grant.error', 'userinfo.error', 'end_session.error', 'backchannel.error']) {
  provider.on(event, (ctx, error) => console.error(event, error?.message, error?.error_description ?? '', error?.error_detail ?? '', error?.cause ?? ''));
}

const page = (problem = '') => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<h1>Sign in</h1><p>${problem}</p><form method="post"><input type="text" name="user" autofocus>
<input type="password" name="secret"><button>Sign in</button></form></html>`;

/** Whatever the client asks for is granted: the broker is the provider owner's own. */
async function grantAll({ grantId, session, params, prompt }) {
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  return { consent: { grantId: await grant.save() } };
}

async function signIn(req, res) {
  const details = await provider.interactionDetails(req, res);
  if (details.prompt.name === 'consent') {
    return provider.interactionFinished(req, res, await grantAll(details), { mergeWithLastSubmission: true });
  }
  res.setHeader('content-type', 'text/html');
  if (req.method !== 'POST') return res.end(page());
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const user = form.get('user');
  if (!people[user] || people[user].password !== form.get('secret')) {
    res.statusCode = 401;
    return res.end(page('That is not right.'));
  }
  return provider.interactionFinished(req, res, { login: { accountId: user, amr: ['pwd'] } }, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
http.createServer((req, res) => {
  if (!req.url.startsWith('/sign-in/')) return answer(req, res);
  return signIn(req, res).catch((error) => {
    console.error('sign-in', error);
    res.statusCode = 400;
    res.end('This sign-in is not open any more.');
  });
}).listen(port, '127.0.0.1', () => console.log('listening at', issuer));
