/** A request that asks for a status: plain, or odd in one respect. `TICKET` stands for the ticket. */
export interface Odd {
  readonly line: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Without it there is no Host. */
  readonly host?: boolean;
}

export interface Named extends Odd {
  readonly name: string;
  /** Where this process knows the answer. */
  readonly isHot: boolean;
}

const line = 'GET /queue/status?ticket=TICKET HTTP/1.1';
const head = (name: string, isHot: boolean, ...headers: string[]): Named => ({ name, isHot, line, headers });
const target = (name: string, path: string, isHot = false): Named => ({ name, isHot, line: `GET ${path} HTTP/1.1` });
/** Of the requests that have one; all others are made by the server. */
export const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

/** Requests that differ in their heads alone. */
export const heads: readonly Named[] = [
  head('nothing else', true),
  head('a trace id', true, 'X-Trace-ID: trace-of-test'),
  head('a trace id that is none', true, 'X-Trace-ID: not a trace'),
  head('a traceparent', true, `traceparent: 00-${trace}-00f067aa0ba902b7-01`),
  head('an origin that may', true, 'Origin: https://studio.example'),
  head('an origin below one that may', true, 'Origin: https://my.game.example'),
  head('that in capitals', true, 'Origin: HTTPS://MY.GAME.EXAMPLE'),
  head('an origin that may not', true, 'Origin: https://elsewhere.example'),
  head('an origin that is null', true, 'Origin: null'),
  head('an origin that is empty', true, 'Origin:'),
  head('two origins', true, 'Origin: https://studio.example', 'Origin: https://my.game.example'),
  head('what a browser sends', true, 'Origin: https://studio.example', 'Sec-Fetch-Site: cross-site', 'Cookie: a=1'),
  head('a token that is none', true, 'Authorization: Bearer nonsense'),
  head('a content type of nothing', true, 'Content-Type: application/json'),
  head('encodings and a range', true, 'Accept-Encoding: gzip, br', 'Range: bytes=0-1'),
  head('a proxy', true, 'X-Forwarded-For: 10.0.0.1, 10.0.0.2', 'X-Forwarded-Proto: https'),
  head('another method in a header', true, 'X-HTTP-Method-Override: DELETE'),
  head('a tag that is known', false, 'If-None-Match: "known"'),
  head('any tag', false, 'If-None-Match: *'),
  head('no body, and a length', false, 'Content-Length: 0'),
  head('a client address without the secret', false, 'x-aerie-client-address: 10.0.0.1'),
  head('too many hops without the secret', false, 'x-aerie-hops: 9'),
  head('too many hops', false, 'x-aerie-hops: 9', 'Authorization: Bearer an-internal-secret-of-32-bytes-or-more'),
  head('two hosts', false, 'Host: second'),
];

const body = '{"ticket":"TICKET"}';

/** Requests that differ in their lines, their bodies, or what the parser looks at. */
export const lines: readonly Named[] = [
  target('no query', '/queue/status'),
  target('an empty query', '/queue/status?'),
  target('no ticket', '/queue/status?other=1'),
  target('an empty ticket', '/queue/status?ticket='),
  target('a ticket without its value', '/queue/status?ticket'),
  target('a ticket that is too long', '/queue/status?ticket=TICKETx'),
  target('a ticket that is far too long', `/queue/status?ticket=${'x'.repeat(9000)}`),
  target('a head that is too long', `/queue/status?ticket=${'x'.repeat(20_000)}`),
  target('a ticket that is too short', '/queue/status?ticket=abc'),
  target('a ticket of other characters', `/queue/status?ticket=${'!'.repeat(43)}`),
  target('a ticket beyond ASCII', `/queue/status?ticket=${'ä'.repeat(43)}`),
  target('the ticket twice', '/queue/status?ticket=TICKET&ticket=TICKET'),
  target('a further name', '/queue/status?ticket=TICKET&other=1'),
  target('a further name before', '/queue/status?other=1&ticket=TICKET'),
  target('what trackers add', '/queue/status?ticket=TICKET&utm_source=mail&_=1'),
  target('an ampersand', '/queue/status?ticket=TICKET&'),
  target('another case', '/queue/status?TICKET=TICKET'),
  target('a name that is encoded', '/queue/status?%74icket=TICKET'),
  target('a value with an encoded end', '/queue/status?ticket=TICKET%20'),
  target('a percent sign that is none', '/queue/status?ticket=%zz'),
  target('a plus', '/queue/status?ticket=TICKET+'),
  target('a fragment', '/queue/status?ticket=TICKET#part'),
  target('a semicolon', '/queue/status?ticket=TICKET;other=1'),
  target('a second question mark', '/queue/status??ticket=TICKET'),
  target('a slash behind the path', '/queue/status/?ticket=TICKET'),
  target('two slashes before it', '//queue/status?ticket=TICKET'),
  target('the path in capitals', '/Queue/Status?ticket=TICKET'),
  target('the path encoded', '/queue/%73tatus?ticket=TICKET'),
  target('dots in the path', '/queue/./status?ticket=TICKET'),
  target('a path that goes on', '/queue/status/more?ticket=TICKET'),
  target('a whole URL', 'http://localhost/queue/status?ticket=TICKET'),
  ...['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE'].map((method) => {
    return { name: method, isHot: false, line: `${method} /queue/status?ticket=TICKET HTTP/1.1` };
  }),
  {
    ...{ name: 'a preflight', isHot: false, line: 'OPTIONS /queue/status?ticket=TICKET HTTP/1.1' },
    headers: ['Origin: https://studio.example', 'Access-Control-Request-Method: GET'],
  },
  {
    ...{ name: 'HEAD of another origin', isHot: false, line: 'HEAD /queue/status?ticket=TICKET HTTP/1.1' },
    headers: ['Origin: https://studio.example'],
  },
  { name: 'HTTP/1.0', isHot: true, line: 'GET /queue/status?ticket=TICKET HTTP/1.0' },
  { name: 'HTTP/1.0 without a host', isHot: false, line: 'GET /queue/status?ticket=TICKET HTTP/1.0', host: false },
  { name: 'no host', isHot: false, line, host: false },
  {
    ...{ name: 'a body', isHot: false, line, body: 'x'.repeat(5) },
    headers: ['Content-Type: application/json', 'Content-Length: 5'],
  },
  {
    ...{ name: 'a body with a ticket', isHot: false, line: 'GET /queue/status HTTP/1.1', body: `${body}`.padEnd(64) },
    headers: ['Content-Type: application/json', 'Content-Length: 56'],
  },
  {
    ...{ name: 'a body in chunks', isHot: false, line, body: '2\r\n{}\r\n0\r\n\r\n' },
    headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
  },
  {
    ...{ name: 'a body that comes later', isHot: false, line, body: '{}' },
    headers: ['Content-Type: application/json', 'Content-Length: 2', 'Expect: 100-continue'],
  },
  { name: 'an expectation without a body', isHot: true, line, headers: ['Expect: 100-continue'] },
  { name: 'an expectation that nobody meets', isHot: false, line, headers: ['Expect: wonders'] },
  { name: 'an upgrade', isHot: false, line, headers: ['Upgrade: websocket', 'Connection: upgrade'] },
];
