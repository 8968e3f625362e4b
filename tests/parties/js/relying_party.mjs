// An app that signs its users in with openid-client. Usage: node relying_party.mjs SETTINGS.json
//   port, issuer, client_id, client_secret or private_jwk, scope, par
// GET /login starts; /callback redeems the code and answers with what it got as JSON; /refresh, /userinfo, /introspect and /revoke use
// the tokens of the last sign-in; /logout leaves by the provider's end_session_endpoint and comes back to /bye.
import fs from 'node:fs';
import http from 'node:http';
import * as client from 'openid-client';

const settings = JSON.parse(fs.readFileSync(process.argv[2]));
const here = `http://127.0.0.1:${settings.port}`;
const redirectUri = `${here}/callback`;

async function authentication() {
  if (!settings.private_jwk) return client.ClientSecretBasic(settings.client_secret);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', settings.private_jwk, algorithm, false, ['sign']);
  return client.PrivateKeyJwt({ key, kid: settings.private_jwk.kid });
}

const config = await client.discovery(new URL(settings.issuer), settings.client_id, undefined, await authentication(), {
  execute: [client.allowInsecureRequests],     // plain http, on this machine
});

const started = new Map();                     // state -> what the callback must match
let tokens;

const routes = {
  async '/login'(url) {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const parameters = {
      redirect_uri: redirectUri, scope: settings.scope, state, nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      ...Object.fromEntries(url.searchParams),
    };
    started.set(state, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
    const build = settings.par ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
    return { location: (await build(config, parameters)).href };
  },
  async '/callback'(url) {
    const checks = started.get(url.searchParams.get('state'));
    started.delete(url.searchParams.get('state'));
    tokens = await client.authorizationCodeGrant(config, url, checks);
    return { claims: tokens.claims(), scope: tokens.scope, token_type: tokens.token_type, refreshable: Boolean(tokens.refresh_token) };
  },
  async '/refresh'() {
    const former = tokens;
    tokens = { ...former, ...await client.refreshTokenGrant(config, former.refresh_token) };
    return { renewed: tokens.access_token !== former.access_token, rotated: tokens.refresh_token !== former.refresh_token };
  },
  async '/userinfo'() {
    return client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck);
  },
  async '/introspect'() {
    return client.tokenIntrospection(config, tokens.access_token);
  },
  async '/revoke'() {
    await client.tokenRevocation(config, tokens.refresh_token);
    return { revoked: true };
  },
  async '/credentials'(url) {
    const granted = await client.clientCredentialsGrant(config, Object.fromEntries(url.searchParams));
    return { scope: granted.scope, token_type: granted.token_type };
  },
  async '/logout'() {
    const parameters = { post_logout_redirect_uri: `${here}/bye`, id_token_hint: tokens.id_token, state: 'gone' };
    return { location: client.buildEndSessionUrl(config, parameters).href };
  },
  async '/bye'(url) {
    return { bye: true, state: url.searchParams.get('state') };
  },
};

http.createServer(async (req, res) => {
  const url = new URL(req.url, here);
  let status = 200;
  let body;
  try {
    if (!routes[url.pathname]) throw new Error(`no such page: ${url.pathname}`);
    body = await routes[url.pathname](url);
    if (body.location) status = 302;
  } catch (error) {
    status = 400;
    body = { failed: error.name, code: error.code, message: error.message, error: error.error, description: error.error_description };
    console.error(error);
  }
  res.writeHead(status, { 'content-type': 'application/json', ...(body.location && { location: body.location }) });
  res.end(JSON.stringify(body));
}).listen(settings.port, '127.0.0.1', () => console.log('listening at', here));
