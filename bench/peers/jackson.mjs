// SAML Jackson behind a bare HTTP server, state in memory. Environment: PORT, KEYS (the folder with the party's files).
import http from 'node:http';
import fs from 'node:fs';
import jackson from '@boxyhq/saml-jackson';
import { generateKeyPair, exportPKCS8, exportSPKI } from 'jose';

const base = `http://127.0.0.1:${process.env.PORT}`;
const read = (name) => fs.readFileSync(`${process.env.KEYS}/${name}`, 'utf8');
const base64 = (text) => Buffer.from(text).toString('base64');

const jwt = await generateKeyPair('RS256', { extractable: true });
const { connectionAPIController, oauthController } = await jackson.default({
  externalUrl: base,
  samlAudience: 'https://sp.example.org/sp',
  samlPath: '/acs',
  oidcPath: '/oidc',
  db: { engine: 'mem' },
  certs: { publicKey: base64(read('sp.crt')), privateKey: base64(read('sp.key')) },
  idpEnabled: false,
  noAnalytics: true,
  openid: {
    jwsAlg: 'RS256',
    jwtSigningKeys: {
      private: base64(await exportPKCS8(jwt.privateKey)),
      public: base64(await exportSPKI(jwt.publicKey)),
    },
  },
  logger: { info() {}, warn() {}, error: (...words) => console.error(...words) },
});
const connection = await connectionAPIController.createSAMLConnection({
  rawMetadata: read('idp.xml'),
  defaultRedirectUrl: 'https://rp.example.org/cb',
  redirectUrl: JSON.stringify(['https://rp.example.org/*']),
  tenant: 't',
  product: 'p',
  name: 'x',
});

async function form(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return Object.fromEntries(new URLSearchParams(text));
}

function go(response, { redirect_url, authorize_form }) {
  if (redirect_url) response.writeHead(302, { Location: redirect_url }).end();
  else response.setHeader('content-type', 'text/html').end(authorize_form);
}

async function handle(request, response) {
  const url = new URL(request.url, base);
  switch (url.pathname) {
    case '/ready':
      return response.end('{}');
    case '/authorize': {
      const query = Object.fromEntries(url.searchParams);
      return go(response, await oauthController.authorize({ ...query, client_id: connection.clientID }));
    }
    case '/acs':
      return go(response, await oauthController.samlResponse(await form(request)));
    case '/token': {
      const client = { client_id: connection.clientID, client_secret: connection.clientSecret };
      const reply = await oauthController.token({ ...(await form(request)), ...client });
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify(reply));
    }
    default:
      return response.writeHead(404).end();
  }
}

http.createServer((request, response) =>
  handle(request, response).catch((error) => response.writeHead(500).end(String(error.stack ?? error))),
).listen(process.env.PORT, '127.0.0.1');
