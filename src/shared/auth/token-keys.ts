import { createPublicKey, type KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint } from 'jose';
import { Config } from '../config/config';
import { ConfigError } from '../config/config.errors';
import { Metrics } from '../metrics/metrics';
import { readOrMakePrivateKey, readPrivateKey, readPublicKey } from './key-file';

/** A public key as RFC 7517 spells it. */
export interface PublicJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'RS256';
}

/** The keys of this process. A key id is the key's thumbprint (RFC 7638), so every process calls a key the same. */
export interface KeyRing {
  /** Missing where only public keys are known. */
  readonly signing: { readonly kid: string; readonly key: KeyObject } | undefined;
  readonly verifying: ReadonlyMap<string, KeyObject>;
  readonly published: readonly PublicJwk[];
}

/** The keys of players' tokens, read when they are first asked for; in development the first is made when missing. */
@Injectable()
export class TokenKeys {
  private loading: Promise<KeyRing> | undefined;

  private readonly changed;

  constructor(
    private readonly config: Config,
    metrics: Metrics,
  ) {
    const help = 'When the file of the key was last changed, as it was read';
    this.changed = metrics.gauge('jwt_key_changed_timestamp_seconds', help, ['use']);
  }

  /** Starts to read them, or to make the first one; what goes wrong is told to whoever asks for the ring. */
  begin(): void {
    this.loading ??= this.load();
    // That nobody has asked yet when it fails must not end the process.
    this.loading.catch(() => undefined);
  }

  /** @throws ConfigError naming the variable whose file cannot be used */
  async ring(): Promise<KeyRing> {
    this.begin();
    return (await this.loading) as KeyRing;
  }

  private async load(): Promise<KeyRing> {
    const { privateKeyFiles, publicKeyFiles, makeKey } = this.config.jwt;
    const [privates, publics] = await Promise.all([
      each('JWT_PRIVATE_KEY_FILE', privateKeyFiles, makeKey ? readOrMakePrivateKey : readPrivateKey),
      each('JWT_PUBLIC_KEY_FILE', publicKeyFiles, readPublicKey),
    ]);
    const published = await Promise.all([...privates.map((key) => createPublicKey(key)), ...publics].map(toPublished));
    const verifying = new Map(published.map(({ key, jwk }) => [jwk.kid, key]));
    const jwks = new Map(published.map(({ jwk }) => [jwk.kid, jwk]));
    const [first] = privates;
    const kid = published[0]?.jwk.kid;
    const signing = first && kid !== undefined ? { kid, key: first } : undefined;
    const [file] = privateKeyFiles;
    if (file !== undefined) this.changed.set({ use: 'signing' }, (await stat(file)).mtimeMs / 1000);
    return { signing, verifying, published: [...jwks.values()] };
  }
}

function each(
  variable: string,
  files: readonly string[],
  read: (file: string) => Promise<KeyObject>,
): Promise<KeyObject[]> {
  const refuse = (error: unknown): never => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError([{ name: variable, reason: `names a file that holds no usable key: ${code ?? message}` }]);
  };
  return Promise.all(files.map((file) => read(file).catch(refuse)));
}

/** Named member by member: nothing private can be among them. */
async function toPublished(key: KeyObject): Promise<{ readonly key: KeyObject; readonly jwk: PublicJwk }> {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n, e });
  return { key, jwk: { kty: 'RSA', n, e, kid, use: 'sig', alg: 'RS256' } };
}
