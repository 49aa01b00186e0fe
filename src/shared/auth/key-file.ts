import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const bits = 2048;
const makePair = promisify(generateKeyPair);

/** The RSA private key in a PEM file. @throws whatever keeps it from being one */
export async function readPrivateKey(file: string): Promise<KeyObject> {
  return strong(createPrivateKey(await readFile(file)));
}

/** The RSA public key in a PEM file. @throws whatever keeps it from being one */
export async function readPublicKey(file: string): Promise<KeyObject> {
  return strong(createPublicKey(await readFile(file)));
}

/** The RSA private key in a PEM file, which is made when it is not there: once, however many processes start at once. */
export async function readOrMakePrivateKey(file: string): Promise<KeyObject> {
  try {
    return await readPrivateKey(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  await makePrivateKey(file);
  return readPrivateKey(file);
}

/** Whoever is first gives the file its name; whoever is later takes what is there. */
async function makePrivateKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const { privateKey } = await makePair('rsa', { modulusLength: bits });
  const own = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  await writeFile(own, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  try {
    // Not rename: it would replace the key with which another process signs already.
    await link(own, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await unlink(own);
  }
}

function strong(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < bits)
    throw new Error(`is no RSA key of ${bits} bits or more`);
  return key;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
