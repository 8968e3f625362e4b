// Credentials of an identity pool by the AWS SDK for JavaScript. Usage: node identity_pool.mjs SETTINGS.json; prints JSON.
//   endpoint, region, pool, logins (none: a guest), role (where it is to be another than the pool chooses)
import fs from 'node:fs';
import { CognitoIdentityClient, DescribeIdentityPoolCommand, GetIdCommand, GetOpenIdTokenCommand } from '@aws-sdk/client-cognito-identity';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromCognitoIdentityPool } from '@aws-sdk/credential-providers';

const { endpoint, region, pool, logins, role } = JSON.parse(fs.readFileSync(process.argv[2]));
const clientConfig = { endpoint, region };

const credentials = fromCognitoIdentityPool({ clientConfig, identityPoolId: pool, logins, customRoleArn: role });
const said = {};
try {
  const given = await credentials();
  const sts = new STSClient({ endpoint, region, credentials });
  const who = await sts.send(new GetCallerIdentityCommand({}));
  Object.assign(said, { identity: given.identityId, seconds: (given.expiration - Date.now()) / 1000, arn: who.Arn, account: who.Account });

  const pools = new CognitoIdentityClient({ ...clientConfig, credentials });
  said.again = (await pools.send(new GetIdCommand({ IdentityPoolId: pool, Logins: logins }))).IdentityId;
  // The session's role allows nothing of the sort: a signed call that is authentic and refused.
  said.describe = await pools.send(new DescribeIdentityPoolCommand({ IdentityPoolId: pool })).then(() => 'allowed', (error) => error.name);
  said.classic = await pools.send(new GetOpenIdTokenCommand({ IdentityId: given.identityId, Logins: logins }))
    .then((got) => got.IdentityId, (error) => error.name);

  const keys = { ...given, secretAccessKey: `${given.secretAccessKey.slice(1)}x` };
  said.forged = await new STSClient({ endpoint, region, credentials: keys }).send(new GetCallerIdentityCommand({}))
    .then(() => 'allowed', (error) => error.name);
} catch (error) {
  said.error = error.name;
  said.message = error.message;
}
console.log(JSON.stringify(said));
