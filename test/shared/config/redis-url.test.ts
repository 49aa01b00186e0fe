import { parseRedisUrl, shownRedis } from '../../../src/shared/config/redis-url';
import { AddressError } from '../../../src/shared/config/url-options';

test.each([
  ['redis://localhost', { kind: 'single', tls: undefined, hosts: [{ host: 'localhost', port: 6379 }], db: 0 }],
  [
    'rediss://h:1/3',
    { kind: 'single', tls: { rejectUnauthorized: true, verifyIdentity: true }, hosts: [{ host: 'h', port: 1 }], db: 3 },
  ],
  ['redis://[::1]:7000', { hosts: [{ host: '::1', port: 7000 }] }],
  ['redis://:p%40ss%2Fw@h', { password: 'p@ss/w', hosts: [{ host: 'h', port: 6379 }] }],
  ['redis://me:a:b@h/', { username: 'me', password: 'a:b', db: 0 }],
  [
    'redis+sentinel://me:pw@a,b:2/aerie/4',
    {
      kind: 'sentinel',
      username: 'me',
      password: 'pw',
      hosts: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 2 },
      ],
      master: 'aerie',
      db: 4,
    },
  ],
  [
    'rediss+cluster://a:1,b',
    {
      kind: 'cluster',
      tls: { rejectUnauthorized: true, verifyIdentity: true },
      hosts: [{ host: 'a' }, { host: 'b', port: 6379 }],
      db: 0,
    },
  ],
])('%s', (url, expected) => {
  expect(parseRedisUrl(url)).toMatchObject(expected);
});

test.each([
  'http://:secret@h',
  'redis+sentinel://:secret@h:1',
  'redis://:secret@h/one',
  'redis://:secret@h/0/1',
  'redis+cluster://:secret@h/1',
  'redis://:secret%zz@h',
  'redis://:secret@',
  'redis://:secret@h?ssl=perhaps',
  'redis://:secret@h?tsl=true',
  'rediss://:secret@h?ssl=false',
  'redis://:secret@h/1?db=2',
  'redis://:secret@h?ssl=true&tls=false',
  'redis+ssl://:secret@h',
])('%s is refused without being told', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(AddressError);
  expect(() => parseRedisUrl(url)).not.toThrow(/secret|zz/);
});

test('what is shown has no credentials', () => {
  expect(shownRedis(parseRedisUrl('redis+cluster://me:secret@a:1,b/'))).toBe('a:1,b:6379');
});
