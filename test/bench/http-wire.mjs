// HTTP/1.1 as cheaply as Node can send it: requests are whole buffers, made before the clock starts, and of an answer only
// the status and, where asked for, the body are looked at. A client library costs as much as the server that it measures.
import { connect } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

/** Kept connections, one request at a time on each; whoever comes when all are busy waits. */
export function httpWire({ url }, { connections, kind }) {
  const pool = new Connections(new URL(url), connections);
  return { concurrency: connections, ...kinds[kind](pool), close: () => pool.close() };
}

const kinds = {
  single: (pool) => ({
    encode: (item) => ({ ...item, body: undefined, bytes: signedRequest(pool.host, '/events', item) }),
    send: ({ bytes }, done) => pool.send(bytes, false, (status) => done(status === 202, status)),
  }),
  batch: (pool) => ({
    encode: (item) => ({ ...item, body: undefined, bytes: signedRequest(pool.host, '/events/batch', item) }),
    send: ({ bytes }, done) =>
      pool.send(bytes, true, (status, body) => done(status === 200 && allAccepted(body), status)),
  }),
  read: (pool) => ({
    encode: (item) => ({ ...item, bytes: readRequest(pool.host, item) }),
    send: ({ bytes }, done) => pool.send(bytes, false, (status) => done(status === 200, status)),
  }),
  post: (pool) => ({
    encode: (item) => ({ bytes: postRequest(pool.host, item) }),
    send: ({ bytes }, done) => pool.send(bytes, false, (status) => done(status >= 200 && status < 300, status)),
  }),
  // For whoever wants to know what the answer says: `done(status, body)`.
  look: (pool) => ({
    encode: (item) => readRequest(pool.host, item),
    send: (bytes, done) => pool.send(bytes, true, done),
  }),
};

function signedRequest(host, path, { id, timestamp, signature, body }) {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `idempotency-key: ${id}`,
    `x-signature: t=${timestamp},v1=${signature}`,
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

function postRequest(host, { path, token, key, body }) {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    ...(key === undefined ? [] : [`idempotency-key: ${key}`]),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function readRequest(host, { path, token }) {
  const bearer = token === undefined ? [] : [`authorization: Bearer ${token}`];
  return Buffer.from(`${[`GET ${path} HTTP/1.1`, `host: ${host}`, ...bearer].join('\r\n')}\r\n\r\n`);
}

// Ids are new, so any other word in the answer is a failure.
function allAccepted(bytes) {
  return !bytes.includes('"rejected"') && !bytes.includes('"duplicate"');
}

class Connections {
  #free = [];
  #waiting = [];
  #all = new Set();

  constructor({ hostname, port, host }, size) {
    this.address = { host: hostname, port: Number(port), noDelay: true };
    this.host = host;
    this.size = size;
    while (this.#all.size < size) this.#free.push(this.#open());
  }

  send(bytes, wantsBody, done) {
    const connection = this.#free.pop() ?? (this.#all.size < this.size ? this.#open() : undefined);
    if (connection) connection.send(bytes, wantsBody, done);
    else this.#waiting.push([bytes, wantsBody, done]);
  }

  close() {
    for (const connection of this.#all) connection.socket.destroy();
  }

  #open() {
    const connection = new Connection(connect(this.address), {
      free: () => this.#release(connection),
      closed: () => this.#forget(connection),
    });
    this.#all.add(connection);
    return connection;
  }

  #release(connection) {
    const next = this.#waiting.shift();
    if (next) connection.send(...next);
    else this.#free.push(connection);
  }

  #forget(connection) {
    this.#all.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
    const next = this.#waiting.shift();
    if (next) this.send(...next);
  }
}

class Connection {
  #done;
  #wantsBody = false;
  #head = nothing;
  #status = 0;
  #left = 0;
  #body = [];

  constructor(socket, owner) {
    this.socket = socket;
    this.owner = owner;
    socket.on('data', (chunk) => this.#read(chunk));
    let reason = 'closed';
    socket.on('error', (error) => {
      reason = error.code ?? error.message;
    });
    socket.once('close', () => {
      owner.closed();
      this.#done?.(reason);
    });
  }

  send(bytes, wantsBody, done) {
    this.#done = done;
    this.#wantsBody = wantsBody;
    this.socket.write(bytes);
  }

  #read(chunk) {
    // A server that ends a silent connection may say so first (408).
    if (!this.#done) return this.socket.destroy();
    if (this.#status > 0) return this.#take(chunk);
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
    const end = bytes.indexOf(endOfHead);
    if (end < 0) {
      this.#head = bytes;
      return undefined;
    }
    const head = bytes.latin1Slice(0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) return this.socket.destroy(new Error('An answer has no content-length'));
    this.#head = nothing;
    this.#status = Number(head.slice(9, 12));
    this.#left = Number(length);
    return this.#take(bytes.subarray(end + endOfHead.length));
  }

  #take(chunk) {
    this.#left -= chunk.length;
    if (this.#wantsBody) this.#body.push(chunk);
    if (this.#left > 0) return;
    const [status, body, done] = [this.#status, this.#wantsBody ? Buffer.concat(this.#body) : undefined, this.#done];
    this.#status = 0;
    this.#body = [];
    this.#done = undefined;
    this.owner.free();
    done(status, body);
  }
}
