import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** What forgers start from: a token that holds, the key that signed it, and somebody else's key. */
export interface Original {
  readonly token: string;
  readonly key: KeyObject;
}

export type Json = Record<string, unknown>;

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const day = 86_400;

export function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

export function decoded(token: string, index: 0 | 1): Json {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Json;
}

/** A token with these parts, signed by `key` with RSA and SHA-256 unless told. */
export function signedBy(key: KeyObject, header: unknown, payload: unknown, hash = 'sha256'): string {
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${sign(hash, Buffer.from(text), key).toString('base64url')}`;
}

/** The original with other claims or another header, rightly signed: only the content is wrong. */
export function altered({ token, key }: Original, claims: Json, header: Json = {}): string {
  return signedBy(key, { ...decoded(token, 0), ...header }, { ...decoded(token, 1), ...claims });
}

const without = (name: string) => (original: Original) => altered(original, { [name]: undefined });
const withClaim = (name: string, value: unknown) => (original: Original) => altered(original, { [name]: value });
const withHeader = (header: Json) => (original: Original) => altered(original, {}, header);
const now = (): number => Math.floor(Date.now() / 1000);

function hmacWith(secret: string | Buffer) {
  return ({ token }: Original): string => {
    const text = `${part({ ...decoded(token, 0), alg: 'HS256' })}.${token.split('.')[1]}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
}

function publicPem({ key }: Original): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
}

function flipped(token: string, index: number, at: number): string {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[index] ?? '', 'base64url');
  bytes[at < 0 ? bytes.length + at : at] = (bytes.at(at) ?? 0) ^ 1;
  parts[index] = bytes.toString('base64url');
  return parts.join('.');
}

/** The last character of an RSA signature of 2048 bits carries two bits; a lax decoder drops the other four. */
function nonCanonical(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1];
}

type Forgery = readonly [name: string, forge: (original: Original) => string];

const algorithms: Forgery[] = [
  ['alg none, no signature', ({ token }) => `${part({ ...decoded(token, 0), alg: 'none' })}.${token.split('.')[1]}.`],
  [
    'alg none, old signature',
    ({ token }) => [part({ ...decoded(token, 0), alg: 'none' }), ...token.split('.').slice(1)].join('.'),
  ],
  ['alg None', ({ token }) => `${part({ ...decoded(token, 0), alg: 'None' })}.${token.split('.')[1]}.AA`],
  ['HS256 with the public key as secret', (original) => hmacWith(publicPem(original))(original)],
  [
    'HS256 with the public key in DER',
    (original) => hmacWith(createPublicKey(original.key).export({ type: 'spki', format: 'der' }))(original),
  ],
  ['HS256 with an empty secret', hmacWith('')],
  [
    'RS384 by the right key',
    ({ token, key }) => signedBy(key, { ...decoded(token, 0), alg: 'RS384' }, decoded(token, 1), 'sha384'),
  ],
  [
    'RS512 by the right key',
    ({ token, key }) => signedBy(key, { ...decoded(token, 0), alg: 'RS512' }, decoded(token, 1), 'sha512'),
  ],
  ['RS256 said, SHA-1 done', ({ token, key }) => signedBy(key, decoded(token, 0), decoded(token, 1), 'sha1')],
  ['PS256 said', withHeader({ alg: 'PS256' })],
  ['alg missing', withHeader({ alg: undefined })],
  ['alg as an array', withHeader({ alg: ['RS256'] })],
  ['lower-case alg', withHeader({ alg: 'rs256' })],
];

const keys: Forgery[] = [
  ['another key under the same kid', ({ token }) => signedBy(stranger, decoded(token, 0), decoded(token, 1))],
  ['unknown kid', withHeader({ kid: 'A'.repeat(43) })],
  ['missing kid', withHeader({ kid: undefined })],
  ['empty kid', withHeader({ kid: '' })],
  ['kid as a path', withHeader({ kid: '../../../dev/null' })],
  ['kid as a number', withHeader({ kid: 1 })],
  ['kid of an object', withHeader({ kid: '__proto__' })],
  [
    'a key of its own: jwk',
    ({ token }) =>
      signedBy(
        stranger,
        { ...decoded(token, 0), jwk: createPublicKey(stranger).export({ format: 'jwk' }) },
        decoded(token, 1),
      ),
  ],
  ['jwk beside the right key', withHeader({ jwk: { kty: 'RSA' } })],
  ['jku', withHeader({ jku: 'https://evil.example/jwks.json' })],
  ['x5u', withHeader({ x5u: 'https://evil.example/cert.pem' })],
  ['x5c', withHeader({ x5c: ['MIIB'] })],
  ['crit', withHeader({ crit: ['exp'] })],
  ['empty crit', withHeader({ crit: [] })],
  ['b64 false', withHeader({ b64: false, crit: ['b64'] })],
  ['zip', withHeader({ zip: 'DEF' })],
  ['typ JWT', withHeader({ typ: 'JWT' })],
  ['typ missing', withHeader({ typ: undefined })],
  ['typ of a receipt', withHeader({ typ: 'receipt+jwt' })],
  ['typ with its media type', withHeader({ typ: 'application/at+jwt' })],
];

const claims: Forgery[] = [
  ['iss of somebody else', withClaim('iss', 'https://evil.example')],
  ['iss missing', without('iss')],
  ['aud of somebody else', withClaim('aud', 'other')],
  ['aud missing', without('aud')],
  ['aud as an array', withClaim('aud', ['aerie'])],
  ['aud among others', withClaim('aud', ['aerie', 'other'])],
  ['exp in the past', (original) => altered(original, { iat: now() - 60, nbf: now() - 60, exp: now() - 1 })],
  ['exp this second', (original) => altered(original, { iat: now() - 60, nbf: now() - 60, exp: now() })],
  ['exp as text', withClaim('exp', String(now() + 60))],
  ['exp with a fraction', withClaim('exp', now() + 60.5)],
  ['exp beyond all numbers', withClaim('exp', 1e300)],
  ['exp null', withClaim('exp', null)],
  ['nbf in the future', withClaim('nbf', now() + 60)],
  ['nbf as text', withClaim('nbf', '0')],
  ['iat in the future', withClaim('iat', now() + 60)],
  ['older than tokens may be', (original) => altered(original, { iat: now() - day - 60, nbf: now() - day - 60 })],
  ['iat negative', withClaim('iat', -1)],
  ...['exp', 'iat', 'nbf', 'sub', 'jti', 'role'].map((name): Forgery => [`${name} missing`, without(name)]),
  ['sub as a number', withClaim('sub', 1)],
  ['sub of nobody', withClaim('sub', '01KAJ0000000000000000000AA')],
  ['sub empty', withClaim('sub', '')],
  ['sub no ULID', withClaim('sub', "' OR 1=1 --")],
  ['sub as an array', ({ token, key }) => altered({ token, key }, { sub: [decoded(token, 1).sub] })],
  ['jti no ULID', withClaim('jti', 'x')],
  ['jti as an object', withClaim('jti', {})],
  ['role unknown', withClaim('role', 'root')],
  ['role as an array', withClaim('role', ['admin'])],
  ['claims as an array', ({ token, key }) => signedBy(key, decoded(token, 0), [decoded(token, 1)])],
  ['claims null', ({ token, key }) => signedBy(key, decoded(token, 0), 'null')],
  ['claims not JSON', ({ token, key }) => signedBy(key, decoded(token, 0), '{"sub":')],
];

const spellings: Forgery[] = [
  ['a bit of the header flipped', ({ token }) => flipped(token, 0, 5)],
  ['a bit of the claims flipped', ({ token }) => flipped(token, 1, 20)],
  ['a bit of the signature flipped', ({ token }) => flipped(token, 2, 0)],
  ['the last bit of the signature flipped', ({ token }) => flipped(token, 2, -1)],
  [
    'player made admin',
    ({ token }) => [token.split('.')[0], part({ ...decoded(token, 1), role: 'admin' }), token.split('.')[2]].join('.'),
  ],
  ['signature not canonical', ({ token }) => nonCanonical(token)],
  ['with padding', ({ token }) => `${token}==`],
  ['plain base64', ({ token }) => token.replaceAll('-', '+').replaceAll('_', '/')],
  ['cut by one', ({ token }) => token.slice(0, -1)],
  ['cut by four', ({ token }) => token.slice(0, -4)],
  ['without its signature', ({ token }) => token.split('.').slice(0, 2).join('.')],
  ['with an empty signature', ({ token }) => `${token.split('.').slice(0, 2).join('.')}.`],
  ['a dot at the end', ({ token }) => `${token}.`],
  ['a dot at the beginning', ({ token }) => `.${token}`],
  ['twice', ({ token }) => `${token}${token}`],
  ['two, with a comma', ({ token }) => `${token},${token}`],
  ['two, with a space', ({ token }) => `${token} ${token}`],
  ['five parts, as encrypted ones have', ({ token }) => `${token}.${part('x')}.${part('y')}`],
  ['in quotes', ({ token }) => `"${token}"`],
  ['a space within', ({ token }) => `${token.slice(0, 30)} ${token.slice(30)}`],
  ['only dots', () => '..'],
  ['no token', () => 'e30.e30.e30'],
  ['5 KiB of claims, rightly signed', withClaim('more', 'x'.repeat(5000))],
  ['12 KiB of one letter', () => 'a'.repeat(12_000)],
];

/** Ways to come by a token that is none. */
export const forgeries: readonly Forgery[] = [...algorithms, ...keys, ...claims, ...spellings];
