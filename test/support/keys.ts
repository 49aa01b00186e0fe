import { generateKeyPair } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const makePair = promisify(generateKeyPair);

/** An RSA key of its own in `<folder>/<name>.pem`, its public half beside it in `.pem.pub`; answers the first path. */
export async function makeKeyFile(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.pem`);
  const { privateKey, publicKey } = await makePair('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
  return file;
}
