// node-saml, reading `signed.xml` in a folder: node_saml.mjs FOLDER; then a line `NAME CALLS`, answered with the microseconds of CPU a call.
import fs from 'node:fs';
import readline from 'node:readline';
import { SAML } from '@node-saml/node-saml';

const folder = process.argv[2];
const read = (name) => fs.readFileSync(`${folder}/${name}`, 'utf8');
const SAMLResponse = Buffer.from(read('signed.xml')).toString('base64');
const saml = new SAML({
  callbackUrl: 'https://sp.example.org/acs',
  entryPoint: 'https://idp.example.org/sso',
  issuer: 'https://sp.example.org/sp',
  audience: 'https://sp.example.org/sp',
  idpCert: read('idp.crt'),
  wantAssertionsSigned: true,
  wantAuthnResponseSigned: false,
  validateInResponseTo: 'never',
});

for await (const line of readline.createInterface({ input: process.stdin })) {
  const calls = Number(line.split(' ')[1]);
  const started = process.cpuUsage();
  for (let call = 0; call < calls; call++) {
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse });
    if (!profile) throw new Error('no profile');
  }
  const { user, system } = process.cpuUsage(started);
  console.log((user + system) / calls);
}
