// People with tokens, without their registering: that is a second of argon2 for each hundred. Their rows are written into the
// database, and their tokens signed with the key that the server is given.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { ulid } from 'ulid';
import { support } from '../support/typescript.mjs';
import { temporaryFolder } from './folders.mjs';

const { BetterSqlite3 } = support('sqlite');
const alg = 'RS256';
const tokenHours = 2;
const rowsAtOnce = 500;

/** The key that signs tokens: `file` is for JWT_PRIVATE_KEY_FILE. */
export async function tokenKey() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = join(temporaryFolder(), 'jwt.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const { kty, n, e } = await exportJWK(publicKey);
  return { file, key: privateKey, kid: await calculateJwkThumbprint({ kty, n, e }) };
}

/** As many users, each with an account and a token: `{ id, token }`. The tables are there. */
export async function makePeople(url, count, { key, kid }) {
  const ids = Array.from({ length: count }, () => ulid());
  await insertAll(url, ids);
  const people = [];
  for (const id of ids) people.push({ id, token: await tokenOf(id, key, kid) });
  return people;
}

function tokenOf(sub, key, kid) {
  const iat = Math.floor(Date.now() / 1000) - 1;
  const claims = { iss: 'aerie', aud: 'aerie', sub, jti: ulid(), iat, nbf: iat, exp: iat + tokenHours * 3600 };
  return new SignJWT({ ...claims, role: 'player' }).setProtectedHeader({ alg, kid, typ: 'at+jwt' }).sign(key);
}

async function insertAll(url, ids) {
  const database = await open(url);
  try {
    for (let from = 0; from < ids.length; from += rowsAtOnce) {
      const now = Date.now();
      const part = ids.slice(from, from + rowsAtOnce);
      const users = part.map((id) => `('${id}', 'Bench', '${id}@example.com', '${id}@example.com', 1, ${now}, ${now})`);
      const accounts = part.map((id) => `('${id}', 'none', 'player', ${now}, ${now})`);
      const columns = 'created_at, updated_at';
      await database.run(`INSERT INTO users (id, name, email, email_key, version, ${columns}) VALUES ${users}`);
      await database.run(`INSERT INTO auth_accounts (user_id, password_hash, role, ${columns}) VALUES ${accounts}`);
    }
  } finally {
    await database.close();
  }
}

async function open(url) {
  if (url.startsWith('sqlite:')) {
    const file = new BetterSqlite3(url.slice('sqlite:'.length), { timeout: 10_000 });
    return { run: (text) => file.exec(text), close: () => file.close() };
  }
  if (url.startsWith('postgres')) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return { run: (text) => client.query(text), close: () => client.end() };
  }
  const connection = await createConnection(url.replace(/^mariadb:/, 'mysql:'));
  return { run: (text) => connection.query(text), close: () => connection.end() };
}
