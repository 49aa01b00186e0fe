// What a system of Aerie needs to know and nobody else: made once, kept from then on. Run by docker/compose*.yaml as
// `node make-secrets.mjs <folder of Aerie> <folder of the database servers>`. `node make-secrets.mjs aerie.env` writes them as
// variables, for `docker run --env-file`, and for the command line.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , own, servers] = process.argv;
const secret = () => randomBytes(32).toString('hex');
const key = () => `${new Date().toISOString().slice(0, 7)}:${secret()}`;
const pem = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey;

// As docker/Dockerfile has it.
const user = 10001;

function keep(path, make, mode, owner) {
  if (existsSync(path)) return;
  // Under its name it is whole, and who needs it may read it.
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, make(), { mode, flag: 'wx' });
  // Who is not root owns it already, and can give nothing away.
  if (process.getuid() === 0) chownSync(fresh, owner, owner);
  renameSync(fresh, path);
}

/** NAME=value, a line each, without quotes: engines take these for a part of the value. */
function variables() {
  const [hmac, internal] = [secret(), secret()];
  const made = {
    ...{ HMAC_SECRET: hmac, RECEIPT_KEYS: key(), GRANT_KEYS: key(), WEBHOOK_SECRET: secret() },
    ...{ INTERNAL_API_SECRET: internal, AERIE_SECRET: hmac, AERIE_TOKEN: internal },
  };
  return Object.entries(made)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function keepFiles() {
  // Whoever the servers' own user is reads this one.
  const shared = join(servers, 'password');
  keep(shared, secret, 0o444, 0);
  const password = readFileSync(shared, 'utf8');
  const databases = {
    postgres: () => `postgres://aerie:${password}@postgres:5432/aerie`,
    mysql: () => `mysql://aerie:${password}@mysql:3306/aerie`,
  };
  const made = { hmac: secret, receipts: key, grants: key, internal: secret, 'jwt.pem': pem, ...databases };
  for (const [name, make] of Object.entries(made)) keep(join(own, name), make, 0o400, user);
}

if (servers === undefined) keep(own, variables, 0o600, process.getuid());
else keepFiles();
